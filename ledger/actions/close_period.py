"""Close a book up to an instant, or for good; what is effective before it is final."""

from datetime import datetime

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from ledger.models import Book


@transaction.atomic
def close_period(*, book: Book, until: datetime, actor: Actor, at: datetime) -> Book:
    """Refuse whatever is effective before `until` from now on; waits for who is still writing.

    Closing up to an earlier instant than before changes nothing: a close is never taken back.
    Raises Invalid for an instant that is not over yet.
    """
    if until > at:
        raise Invalid("until", "this period is not over yet", "该期间尚未结束")
    _close(book, until, for_good=False)
    record("book.period_closed", subject=book, actor=actor, at=at, data={"until": until})
    return book


@transaction.atomic
def close_book(*, book: Book, actor: Actor, at: datetime) -> Book:
    """Refuse every further transfer in `book`; waits for who is still writing."""
    _close(book, at, for_good=True)
    record("book.closed", subject=book, actor=actor, at=at)
    return book


def _close(book: Book, until: datetime, *, for_good: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_close(%s, %s, %s)", [book.pk, until, for_good])
    book.refresh_from_db()
