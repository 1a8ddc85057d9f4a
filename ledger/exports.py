"""What of this room an auditor takes home."""

from audit.bundle import table_of
from ledger.models import Account, Book, Hold, HoldResolution, Posting, Transfer

EXPORTS = [
    table_of("ledger_books", Book),
    table_of("ledger_accounts", Account),
    table_of("ledger_transfers", Transfer, at="recorded_at"),
    table_of("ledger_postings", Posting, at="transfer__recorded_at"),
    table_of("ledger_holds", Hold, at="placed_by__recorded_at"),
    table_of("ledger_hold_resolutions", HoldResolution, at="transfer__recorded_at"),
]
