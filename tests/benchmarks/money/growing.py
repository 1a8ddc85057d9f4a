"""Does a redemption cost more when there are more of them? From 10^5 rows up.

10^7 rows take more than the four minutes a bench may take here: MONEY_ROWS=10000000 asks for them.
"""

import os
from collections import Counter

import psycopg

from tests.benchmarks.money._books import Books, books
from tests.benchmarks.money.redeeming import _batches
from tests.benchmarks.money.reference import Reference, emit

FIRST, LAST = 10**5, int(os.environ.get("MONEY_ROWS", str(10**6)))
FILL = """
WITH some AS (
    SELECT v.available_id, e.book_id, row_number() OVER (ORDER BY v.id) - 1 AS n
      FROM vouchers_voucher v JOIN treasury_envelope e ON e.id = v.envelope_id
     WHERE v.id BETWEEN %(first)s AND %(last)s
), fresh AS (
    INSERT INTO ledger_transfer (reference, body_hash, kind, book_id, effective_at)
    SELECT 'old:' || nextval('ledger_transfer_id_seq'), '', 'redeem', some.book_id, now()
      FROM generate_series(0, %(rows)s - 1) g JOIN some ON some.n = g %% %(vouchers)s
    RETURNING id, book_id
)
INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)
SELECT fresh.id, some.available_id, sink.id, 1
  FROM fresh JOIN some ON some.n = fresh.id %% %(vouchers)s
  JOIN LATERAL (SELECT id FROM ledger_account a
                 WHERE a.book_id = fresh.book_id AND a.code LIKE 'quota:%%:used' LIMIT 1) sink
    ON true
"""


def figures(reference: Reference, *, rounds: int = 3, seconds: int = 3) -> None:
    """Print how much longer one redemption of a batch takes with LAST rows than with FIRST."""
    made = books()
    costs = {}
    for rows in (FIRST, LAST):
        _fill(made, rows)
        works = {"batches": lambda s: _batches(made, s, Counter())}
        (measured,) = reference.interleaved(works, rounds=rounds, seconds=seconds)
        costs[rows] = measured
    growth = costs[FIRST].ratio / costs[LAST].ratio
    detail = {str(rows): {**each.detail, "ratio": each.ratio} for rows, each in costs.items()}
    figure = f"redemption: growth per operation from {FIRST:.0e} to {LAST:.0e} rows"
    emit("money", figure, round(growth, 3), "ratio", {"must_stay_below": 1.2, **detail})


def _fill(made: Books, rows: int) -> None:
    """Bring the ledger up to `rows` postings; old ones need no guard to look at them again."""
    with psycopg.connect(made.url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM ledger_posting").fetchone()
        assert row is not None
        if row[0] < rows:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                connection.execute(
                    FILL,
                    {
                        "first": made.hot[0],
                        "last": made.hot[1],
                        "vouchers": made.hot[1] - made.hot[0] + 1,
                        "rows": rows - row[0],
                    },
                )
        connection.execute("VACUUM ANALYZE ledger_posting, ledger_transfer")
