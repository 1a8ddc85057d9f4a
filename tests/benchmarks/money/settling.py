"""A year settled: 16 platforms, thousands of providers, against a serial `sum()` of its postings.

Chunks, checkpoints, lines and the platforms' awards are all in it. Beside it, on a part of the
rows, the way one writes it first: each posting fetched by the ORM and added up in Python.
"""

import statistics
import time
from collections import Counter
from datetime import UTC, datetime

import psycopg

from tests.benchmarks.money._books import Books, books
from tests.benchmarks.money._history import ROWS, grow
from tests.benchmarks.money.reference import Reference, busy_seconds, emit, own_seconds

PLATFORMS, SUMS, NAIVE_ROWS = 16, 5, 50_000
SERIAL = "SET max_parallel_workers_per_gather = 0"


def figures(reference: Reference) -> None:
    """Print how many times as long a settlement takes as the sum."""
    made = books()
    grow(made, ROWS)
    sums = _sum_seconds(made)
    busy, own = busy_seconds(), own_seconds(reference.postmaster)
    seconds, told = _settle(made)
    foreign = busy_seconds() - busy - (own_seconds(reference.postmaster) - own)
    sums += _sum_seconds(made)
    naive = _naive_seconds_per_row() * told["postings"]
    emit(
        "money",
        f"settling one year of {told['postings']:.0e} postings, against a serial sum()",
        round(seconds / statistics.median(sums), 2),
        "ratio",
        {
            "must_stay_below": 3,
            "seconds": round(seconds, 2),
            "sum_seconds": [round(each, 3) for each in sums],
            **told,
            "naive_seconds_extrapolated": round(naive),
            "naive_ratio": round(naive / statistics.median(sums)),
            "foreign_cpu_seconds": round(max(foreign, 0), 2),
        },
    )


def _sum_seconds(made: Books) -> list[float]:
    taken = []
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute(SERIAL)
        for _ in range(SUMS):
            began = time.perf_counter()
            connection.execute("SELECT sum(amount_fen) FROM ledger_posting").fetchone()
            taken.append(time.perf_counter() - began)
    return taken


def _settle(made: Books) -> tuple[float, dict[str, int]]:
    from audit.decisions import SYSTEM
    from identity.models import Organization
    from ledger.models import Book
    from tests.factories import make_organization
    from tests.vouchers.office import by_ledger, make_office, make_programme, zhongwei
    from treasury.models import Envelope
    from vouchers.actions.settle_year import open_settlement, settle_year

    book = Book.objects.get(pk=Envelope.objects.get(pk=made.hot_envelope_id).book_id)
    platforms = [make_organization("platform") for _ in range(PLATFORMS)]
    first, last = made.providers
    providers = Organization.objects.filter(pk__range=(first, last)).order_by("pk")
    members = {each: platforms[place % PLATFORMS] for place, each in enumerate(providers)}
    terms = make_programme(make_office(), zhongwei()).versions.get()
    over = datetime(book.budget_year + 1, 1, 4, tzinfo=UTC)
    settlement = open_settlement(book=book, members=members, version=terms, actor=SYSTEM, at=over)
    began = time.perf_counter()
    settled = settle_year(
        settlement=settlement, propose=by_ledger(settlement), actor=SYSTEM, at=over
    )
    seconds = time.perf_counter() - began
    lines = settled.lines.select_related("award")
    return seconds, {
        "postings": settled.last_posting,
        "providers": sum(not line.is_platform for line in lines),
        "platforms": sum(line.is_platform for line in lines),
        "awards": sum(line.award is not None for line in lines),
    }


def _naive_seconds_per_row() -> float:
    from ledger.models import Posting

    earned: Counter[str] = Counter()
    began = time.perf_counter()
    for posting in Posting.objects.select_related("destination").order_by("pk")[:NAIVE_ROWS]:
        if posting.destination.code.startswith("rdm:"):
            earned[posting.destination.code] += posting.amount_fen
    return (time.perf_counter() - began) / NAIVE_ROWS
