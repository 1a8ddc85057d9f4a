"""Budgets, what is owed, how it is paid out, and how it comes back."""

from treasury.models.adjustments import Adjustment, EnvelopeAlert, Tranche
from treasury.models.bank import SUSPENSE_CODE, BankEnquiry, SuspenseEntry
from treasury.models.batches import BankFile, PayoutBatch, PayoutItem, Signature
from treasury.models.budgets import Appropriation, Envelope, FundingSource
from treasury.models.payables import BankAccount, Payable
from treasury.models.proposals import Proposal
from treasury.models.recoveries import Instalment, RecoveryCase, RecoveryReceipt, WriteOff

__all__ = [
    "SUSPENSE_CODE",
    "Adjustment",
    "Appropriation",
    "BankAccount",
    "BankEnquiry",
    "BankFile",
    "Envelope",
    "EnvelopeAlert",
    "FundingSource",
    "Instalment",
    "Payable",
    "PayoutBatch",
    "PayoutItem",
    "Proposal",
    "RecoveryCase",
    "RecoveryReceipt",
    "Signature",
    "SuspenseEntry",
    "Tranche",
    "WriteOff",
]
