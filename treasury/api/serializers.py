"""Shapes of the treasury's API. Money is integer fen; `unit` is the book's ("CNY_FEN")."""

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from treasury.bank_files import STATUSES
from treasury.models import (
    Appropriation,
    BankAccount,
    Envelope,
    FundingSource,
    Payable,
    PayoutBatch,
    PayoutItem,
)
from treasury.queries import BatchWarning


class FundingSourceSerializer(serializers.ModelSerializer[FundingSource]):
    class Meta:
        model = FundingSource
        fields = ["id", "issuer", "name", "level"]
        read_only_fields = ["issuer"]


class EnvelopeSerializer(serializers.ModelSerializer[Envelope]):
    issuer_name = serializers.CharField(source="issuer.name", read_only=True)
    budget_year = serializers.IntegerField(source="book.budget_year", read_only=True)
    unit = serializers.CharField(source="book.unit", read_only=True)

    class Meta:
        model = Envelope
        fields = [
            "id",
            "issuer",
            "issuer_name",
            "book",
            "budget_year",
            "unit",
            "name",
            "programme_code",
            "state",
            "in_tranches",
            "created_by",
            "created_at",
        ]


class EnvelopeRequest(serializers.Serializer[None]):
    budget_year = serializers.IntegerField(min_value=2000, max_value=2100)
    name = serializers.CharField(max_length=200)
    programme_code = serializers.CharField(max_length=100)
    in_tranches = serializers.BooleanField(
        default=False,
        help_text="what is appropriated becomes available only as tranches are released",
    )


class EnvelopeFiguresSerializer(serializers.Serializer[None]):
    appropriated_fen = serializers.IntegerField()
    unreleased_fen = serializers.IntegerField()
    available_fen = serializers.IntegerField()
    committed_fen = serializers.IntegerField()
    issued_fen = serializers.IntegerField()
    in_vouchers_fen = serializers.IntegerField()
    earned_fen = serializers.IntegerField()
    payable_fen = serializers.IntegerField()
    paid_fen = serializers.IntegerField()
    lapsed_fen = serializers.IntegerField()


class AppropriationSerializer(serializers.ModelSerializer[Appropriation]):
    class Meta:
        model = Appropriation
        fields = [
            "id",
            "envelope",
            "funding_source",
            "kind",
            "amount_fen",
            "state",
            "proposed_by",
            "proposed_at",
            "approved_by",
            "approved_at",
            "transfer",
        ]


class AppropriationRequest(serializers.Serializer[None]):
    envelope = serializers.IntegerField()
    funding_source = serializers.IntegerField()
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)


class ReasonRequest(serializers.Serializer[None]):
    reason = serializers.CharField(max_length=2000)


class PayableSerializer(serializers.ModelSerializer[Payable]):
    payee_name = serializers.CharField(source="payee.name", read_only=True)
    due_fen = serializers.IntegerField(read_only=True)
    unit = serializers.CharField(source="book.unit", read_only=True)

    class Meta:
        model = Payable
        fields = [
            "id",
            "issuer",
            "payee",
            "payee_name",
            "envelope",
            "book",
            "unit",
            "kind",
            "reference",
            "amount_fen",
            "offset_fen",
            "due_fen",
            "policy_version",
            "state",
            "proposed_by",
            "proposed_at",
            "approved_by_1",
            "approved_by_2",
            "approved_at",
            "transfer",
        ]


class BankAccountSerializer(serializers.ModelSerializer[BankAccount]):
    organization_name = serializers.CharField(source="organization.name", read_only=True)

    class Meta:
        model = BankAccount
        fields = [
            "id",
            "organization",
            "organization_name",
            "name",
            "number",
            "bank",
            "cnaps",
            "state",
            "added_by",
            "added_at",
            "verified_by",
            "verified_at",
        ]


class BankAccountRequest(serializers.Serializer[None]):
    organization = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    number = serializers.CharField(max_length=32)
    bank = serializers.CharField(max_length=200)
    cnaps = serializers.CharField(
        max_length=12, required=False, allow_null=True, default=None, help_text="12 digits"
    )


class PayoutItemSerializer(serializers.ModelSerializer[PayoutItem]):
    end_to_end_id = serializers.CharField(read_only=True)
    payee_name = serializers.CharField(source="payable.payee.name", read_only=True)
    account_number = serializers.CharField(source="bank_account.number", read_only=True)

    class Meta:
        model = PayoutItem
        fields = [
            "id",
            "position",
            "end_to_end_id",
            "payable",
            "payee_name",
            "bank_account",
            "account_number",
            "amount_fen",
            "state",
            "reissues",
            "bank_code",
            "bank_reference",
            "answered_at",
        ]


class PayoutBatchSerializer(serializers.ModelSerializer[PayoutBatch]):
    unit = serializers.CharField(source="book.unit", read_only=True)

    class Meta:
        model = PayoutBatch
        fields = [
            "id",
            "issuer",
            "book",
            "unit",
            "lineage",
            "state",
            "made_by",
            "made_at",
            "checked_by",
            "checked_at",
            "released_by",
            "released_at",
            "cut_off_at",
            "recalled_by",
            "recalled_at",
            "control_total_fen",
            "item_count",
            "content_hash",
        ]


class PayoutBatchRequest(serializers.Serializer[None]):
    payables = serializers.ListField(child=serializers.IntegerField(), min_length=1)
    replaces = serializers.IntegerField(required=False, allow_null=True, default=None)


class BatchWarningSerializer(serializers.Serializer[list[BatchWarning]]):
    code = serializers.CharField()
    end_to_end_id = serializers.CharField()
    detail = serializers.CharField()


class BankRowSerializer(serializers.Serializer[None]):
    end_to_end_id = serializers.CharField(max_length=40)
    status = serializers.ChoiceField(choices=STATUSES)
    amount_fen = serializers.IntegerField(
        min_value=1, max_value=LARGEST_FEN, required=False, allow_null=True
    )
    code = serializers.CharField(max_length=40, required=False, allow_null=True)
    bank_reference = serializers.CharField(max_length=200, required=False, allow_null=True)


class BankAnswerRequest(serializers.Serializer[None]):
    """One of: `rows`; `csv` or `pain002`, the bank's file as it came."""

    rows = BankRowSerializer(many=True, required=False)
    csv = serializers.CharField(required=False, trim_whitespace=False)
    pain002 = serializers.CharField(
        required=False, trim_whitespace=False, help_text="ISO 20022 pain.002 XML"
    )

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if sum(bool(attrs.get(name)) for name in ("rows", "csv", "pain002")) != 1:
            raise serializers.ValidationError({"rows": "Give one of rows, csv and pain002."})
        return attrs
