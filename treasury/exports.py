"""What of this room an auditor takes home. Bank accounts stay here: an item names its own by id."""

from audit.bundle import table_of
from treasury.models import (
    Appropriation,
    Envelope,
    FundingSource,
    Payable,
    PayoutBatch,
    PayoutItem,
)

EXPORTS = [
    table_of("treasury_funding_sources", FundingSource),
    table_of("treasury_envelopes", Envelope),
    table_of("treasury_appropriations", Appropriation, at="proposed_at"),
    table_of("treasury_payables", Payable, at="proposed_at"),
    table_of("treasury_payout_batches", PayoutBatch, at="made_at"),
    table_of("treasury_payout_items", PayoutItem, at="batch__made_at"),
]
