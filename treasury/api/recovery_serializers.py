"""Shapes of recovery cases."""

from typing import Any

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from treasury.api.adjustment_serializers import SIGNED
from treasury.models import RecoveryCase, RecoveryReceipt, WriteOff
from treasury.recovery_figures import InstalmentDue, RecoveryFigures


class RecoverySerializer(serializers.ModelSerializer[RecoveryCase]):
    debtor_name = serializers.CharField(source="debtor.name", read_only=True)
    payable_reference = serializers.CharField(source="payable.reference", read_only=True)
    unit = serializers.CharField(source="book.unit", read_only=True)

    class Meta:
        model = RecoveryCase
        fields = [
            "id",
            "issuer",
            "payable",
            "payable_reference",
            "book",
            "unit",
            "original_debtor",
            "debtor",
            "debtor_name",
            "cause",
            "finding",
            "claimed_fen",
            "state",
            "opened_by",
            "opened_at",
            "served_at",
            "contest_by_at",
            "contested_at",
            "contest",
            "decided_by",
            "decided_at",
            "decision",
            "upheld_fen",
            "demanded_by",
            "demanded_at",
            "demanded_fen",
            "due_date",
        ]


class RecoveryRequest(serializers.Serializer[None]):
    payable = serializers.IntegerField()
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    cause = serializers.ChoiceField(choices=RecoveryCase.Cause.values)
    finding = serializers.CharField(max_length=8000)


class NoticeDaysRequest(serializers.Serializer[None]):
    contest_days = serializers.IntegerField(min_value=1, max_value=365, default=15)


class StatementRequest(serializers.Serializer[None]):
    statement = serializers.CharField(max_length=8000)


class DecisionRequest(serializers.Serializer[None]):
    upheld_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    decision = serializers.CharField(max_length=8000)


class DemandRequest(serializers.Serializer[None]):
    due_date = serializers.DateField()


class CashRequest(serializers.Serializer[None]):
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    bank_reference = serializers.CharField(max_length=200)


class OffsetRequest(serializers.Serializer[None]):
    payable = serializers.IntegerField()


class InstalmentRequest(serializers.Serializer[None]):
    due_date = serializers.DateField()
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)


class PlanRequest(serializers.Serializer[None]):
    parts = InstalmentRequest(many=True, allow_empty=False)


class CourtRequest(serializers.Serializer[None]):
    court_reference = serializers.CharField(max_length=200)


class ReceiptSerializer(serializers.ModelSerializer[RecoveryReceipt]):
    class Meta:
        model = RecoveryReceipt
        fields = [
            "id",
            "case",
            "kind",
            "amount_fen",
            "payable",
            "bank_reference",
            "received_by",
            "received_at",
            "transfer",
        ]


class RecoveryFiguresSerializer(serializers.Serializer[RecoveryFigures]):
    demanded_fen = serializers.IntegerField()
    outstanding_fen = serializers.IntegerField()
    recovered_fen = serializers.IntegerField()
    cash_fen = serializers.IntegerField()
    offset_fen = serializers.IntegerField()
    written_off_fen = serializers.IntegerField()
    unaccounted_fen = serializers.IntegerField()


class InstalmentDueSerializer(serializers.Serializer[InstalmentDue]):
    number = serializers.IntegerField()
    due_date = serializers.DateField()
    amount_fen = serializers.IntegerField()
    paid_fen = serializers.IntegerField()
    overdue = serializers.BooleanField()


class RecoveryStandSerializer(serializers.Serializer[dict[str, Any]]):
    """Where a case stands: its figures, receipts and newest plan."""

    figures = RecoveryFiguresSerializer()
    receipts = ReceiptSerializer(many=True)
    instalments = InstalmentDueSerializer(many=True)


class WriteOffSerializer(serializers.ModelSerializer[WriteOff]):
    class Meta:
        model = WriteOff
        fields = [
            "id",
            "case",
            *SIGNED,
            "fraud_result",
            "fraud_note",
            "fraud_checked_by",
            "fraud_checked_at",
        ]


class WriteOffRequest(serializers.Serializer[None]):
    case = serializers.IntegerField()
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    reason = serializers.CharField(max_length=2000)


class FraudCheckRequest(serializers.Serializer[None]):
    result = serializers.ChoiceField(choices=WriteOff.Fraud.values)
    note = serializers.CharField(max_length=8000)
