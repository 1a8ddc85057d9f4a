"""Rows of the books proved per second by `manage.py verify_books`, every invariant from scratch.

Rows are those of transfers, postings and redemptions, each counted once however many proofs read
it. Beside it the same rows read in Python, row by row, as the first version of a proof does.
"""

import time

import psycopg

from tests.benchmarks.money._books import Books, books
from tests.benchmarks.money._history import ROWS, grow
from tests.benchmarks.money.reference import Reference, busy_seconds, emit, own_seconds

TABLES = ("ledger_transfer", "ledger_posting", "vouchers_redemption")
NAIVE_ROWS = 100_000


def figures(reference: Reference) -> None:
    """Print the rows proved per second of all rooms together, and the slowest proofs."""
    made = books()
    grow(made, ROWS)
    from marketplace.prove_books import prove_books

    rows = sum(_count(made, table) for table in TABLES)
    busy, own = busy_seconds(), own_seconds(reference.postmaster)
    began = time.perf_counter()
    proven = prove_books()
    seconds = time.perf_counter() - began
    foreign = busy_seconds() - busy - (own_seconds(reference.postmaster) - own)
    slowest = sorted(proven, key=lambda each: -each.elapsed_seconds)[:5]
    naive = _naive_rate()
    emit(
        "money",
        "verify_books",
        round(rows / seconds),
        "rows/s",
        {
            "must_reach": 300_000,
            "rows": rows,
            "seconds": round(seconds, 2),
            "rows_read_by_all_proofs": sum(each.rows for each in proven),
            "violations": sum(each.violations for each in proven),
            "unchecked": [each.name for each in proven if each.error],
            "slowest": {f"{each.room} {each.name}": each.elapsed_seconds for each in slowest},
            "naive_rows_per_second": round(naive),
            "foreign_cpu_seconds": round(max(foreign, 0), 2),
        },
    )


def _count(made: Books, table: str) -> int:
    with psycopg.connect(made.url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def _naive_rate() -> float:
    """Rows per second where each posting is fetched with its transfer and accounts by the ORM."""
    from ledger.models import Posting

    began = time.perf_counter()
    postings = Posting.objects.select_related("transfer", "source", "destination").order_by("pk")
    for posting in postings[:NAIVE_ROWS].iterator(chunk_size=5000):
        assert posting.amount_fen > 0
        assert posting.source.book_id == posting.destination.book_id == posting.transfer.book_id
    # A posting and half a transfer and redemption each.
    return NAIVE_ROWS * 2 / (time.perf_counter() - began)
