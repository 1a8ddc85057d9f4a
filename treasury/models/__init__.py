"""Budgets, what is owed, and how it is paid out."""

from treasury.models.batches import BankFile, PayoutBatch, PayoutItem, Signature
from treasury.models.budgets import Appropriation, Envelope, FundingSource
from treasury.models.payables import BankAccount, Payable

__all__ = [
    "Appropriation",
    "BankAccount",
    "BankFile",
    "Envelope",
    "FundingSource",
    "Payable",
    "PayoutBatch",
    "PayoutItem",
    "Signature",
]
