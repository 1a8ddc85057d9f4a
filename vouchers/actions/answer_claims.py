"""Answer claims on a window: one call of the database, which keeps the clock and the order."""

from collections.abc import Sequence

from django.db import connection

from audit.decisions import Refusal
from vouchers.claiming.claim_batch import CALL, Answered, AskedClaim, arguments, outcomes


def answer_claims(*, window_id: int, claims: Sequence[AskedClaim]) -> list[Answered | Refusal]:
    """An answer or a refusal for each claim, in their order; one bad claim spoils no other.

    Who claims stands in each claim; the instant is the database's, so there is no `at`.
    """
    with connection.cursor() as cursor:
        cursor.execute(CALL, arguments(window_id, claims))
        return outcomes(window_id, cursor.fetchall())
