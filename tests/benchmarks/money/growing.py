"""Does an operation cost more when there are more rows? From 10^5 to MONEY_ROWS postings (10^7).

The cost of one operation in units of the reference beside it: a redemption (in batches, by one
call, and through the API with the caps of its terms), a balance read, an answer to what an
envelope has left, and one to where all of its money is. Settling and verifying have
figures of their own.
"""

from collections import Counter
from collections.abc import Callable

import psycopg

from tests.benchmarks.money._books import Books, books
from tests.benchmarks.money._history import ROWS, grow
from tests.benchmarks.money.redeeming import _batches, _one_call
from tests.benchmarks.money.redeeming_by_api import _all, _keys
from tests.benchmarks.money.reference import Measured, Reference, emit, rate_of

FIRST = 10**5
BALANCE = """
SELECT a.balance_fen FROM vouchers_voucher v JOIN ledger_account a ON a.id = v.available_id
 WHERE v.id = %s
"""


def figures(reference: Reference, *, rounds: int = 3, seconds: int = 2) -> None:
    """Print how much longer each operation takes with ROWS postings than with FIRST."""
    made = books()
    said: Counter[str] = Counter()
    keys = _keys(made)
    works: dict[str, Callable[[int], float]] = {
        "redemption": lambda s: _batches(made, s, said),
        "redemption by one call": lambda s: _one_call(made, made.hot, s),
        "redemption through the API": lambda s: _all(made, keys, s),
        "balance": lambda s: _balances(made, s),
        "budget use": lambda s: _budget_use(made, s),
        "where the money is": lambda s: _figures(made, s),
    }
    costs: dict[int, list[Measured]] = {}
    for rows in (FIRST, ROWS):
        grow(made, rows)
        costs[rows] = list(reference.interleaved(works, rounds=rounds, seconds=seconds))
    for few, many in zip(costs[FIRST], costs[ROWS], strict=True):
        emit(
            "money",
            f"{few.figure}: growth per operation from {FIRST:.0e} to {ROWS:.0e} rows",
            round(few.ratio / many.ratio, 3),
            "ratio",
            {
                "must_stay_below": 1.2,
                "answers_of_batches": dict(said),
                **{
                    str(rows): {**each.detail, "ratio": each.ratio}
                    for rows, each in ((FIRST, few), (ROWS, many))
                },
            },
        )


def _balances(made: Books, seconds: int) -> float:
    first, last = made.hot
    with psycopg.connect(made.url, autocommit=True) as connection:
        turn = 0

        def one() -> int:
            nonlocal turn
            turn += 1
            voucher = first + turn % (last - first + 1)
            assert connection.execute(BALANCE, [voucher]).fetchone() is not None
            return 1

        return rate_of(one, seconds=seconds)


def _budget_use(made: Books, seconds: int) -> float:
    from treasury.budget_use import put_in_fen
    from treasury.models import Envelope

    envelope = Envelope.objects.get(pk=made.hot_envelope_id)
    return rate_of(lambda: int(put_in_fen(envelope) > 0), seconds=seconds)


def _figures(made: Books, seconds: int) -> float:
    from treasury.models import Envelope
    from treasury.queries import envelope_figures

    envelope = Envelope.objects.get(pk=made.hot_envelope_id)
    return rate_of(lambda: int(envelope_figures(envelope).in_vouchers_fen > 0), seconds=seconds)
