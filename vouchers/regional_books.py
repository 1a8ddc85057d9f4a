"""The accounts in which two regions keep what they owe each other. One name in both books.

`clear:{debtor}:{creditor}` is positive in the debtor's book and negative in the creditor's, by the
same amount: their sum is zero at all times (I11). `net:{clearing}:owed` and `:due` hold what is
left after netting until it is paid and received.
"""

from identity.models import Organization
from ledger.actions.open_account import open_book
from ledger.models import Book


def book_of(region: Organization, budget_year: int) -> Book:
    """The book of a region and year."""
    return open_book(issuer_adcode=region.adcode, budget_year=budget_year)


def clear_code(debtor: Organization, creditor: Organization) -> str:
    """The account's name in either book."""
    return f"clear:{debtor.adcode}:{creditor.adcode}"
