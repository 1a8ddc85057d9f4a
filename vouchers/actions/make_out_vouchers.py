"""Make out the vouchers of granted claims: the answer came first, the paper follows."""

from django.db import connection, transaction

CHUNK = 500


def make_out_vouchers(*, window_id: int, at_most: int = 10 * CHUNK) -> int:
    """Make out up to `at_most` vouchers in chunks, each a transaction; returns how many.

    Set-based and safe to run at once from several places: a grant is made out exactly once. The
    instant is the database's, so there is no `at`; nobody decides anything here.
    """
    made = 0
    while made < at_most:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT vouchers_make_out(%s, %s)", [window_id, CHUNK])
            (count,) = cursor.fetchone()
        made += count
        if count < CHUNK:
            break
    return made
