"""Open books and accounts; opening one that exists returns it."""

from ledger.models import Account, Book


def open_book(*, issuer_adcode: str, budget_year: int, unit: str = "CNY_FEN") -> Book:
    """The book of an issuer and year."""
    book, _created = Book.objects.get_or_create(
        issuer_adcode=issuer_adcode, budget_year=budget_year, unit=unit
    )
    return book


def open_account(*, book: Book, code: str, floor_fen: int | None = 0) -> Account:
    """The account `code` in `book`, with its floor (0 unless told; None may go negative)."""
    account, _created = Account.objects.get_or_create(
        book=book, code=code, defaults={"floor_fen": floor_fen}
    )
    return account
