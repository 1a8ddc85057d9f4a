"""Shapes of agreements between regions, what they owe each other, and clearings."""

from decimal import Decimal

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from vouchers.models import AcceptanceAgreement, ClearingEntry, RegionalClearing


class AcceptanceAgreementSerializer(serializers.ModelSerializer[AcceptanceAgreement]):
    issuer_name = serializers.CharField(source="issuer.name", read_only=True)
    spender_name = serializers.CharField(source="spender.name", read_only=True)

    class Meta:
        model = AcceptanceAgreement
        fields = [
            "id",
            "issuer",
            "issuer_name",
            "spender",
            "spender_name",
            "programmes",
            "first_day",
            "last_day",
            "rate",
            "cap_fen",
            "state",
            "proposed_by",
            "approved_by_issuer",
            "approved_by_spender",
            "reason",
        ]


class AcceptanceRequest(serializers.Serializer[None]):
    spender = serializers.IntegerField(help_text="id of the other region's government")
    programmes = serializers.ListField(
        child=serializers.IntegerField(), default=list, help_text="empty: all of one's own"
    )
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    rate = serializers.DecimalField(max_digits=5, decimal_places=4, default=Decimal(1))
    cap_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)


class RegionReasonRequest(serializers.Serializer[None]):
    reason = serializers.CharField(max_length=2000)


class ClearingEntrySerializer(serializers.ModelSerializer[ClearingEntry]):
    debtor_name = serializers.CharField(source="debtor.name", read_only=True)
    creditor_name = serializers.CharField(source="creditor.name", read_only=True)

    class Meta:
        model = ClearingEntry
        fields = [
            "id",
            "kind",
            "reference",
            "redemption",
            "reverses",
            "debtor",
            "debtor_name",
            "creditor",
            "creditor_name",
            "budget_year",
            "amount_fen",
            "reason",
            "accrued_at",
            "clearing",
            "disputed_by",
            "dispute",
        ]


class ReversalRequest(serializers.Serializer[None]):
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    reference = serializers.CharField(max_length=200)
    reason = serializers.CharField(max_length=2000)


class RegionalClearingSerializer(serializers.ModelSerializer[RegionalClearing]):
    one_name = serializers.CharField(source="one.name", read_only=True)
    other_name = serializers.CharField(source="other.name", read_only=True)

    class Meta:
        model = RegionalClearing
        fields = [
            "id",
            "one",
            "one_name",
            "other",
            "other_name",
            "budget_year",
            "number",
            "upto",
            "one_owes_fen",
            "other_owes_fen",
            "state",
            "closed_by",
            "closed_at",
            "confirmed_by_one",
            "confirmed_by_other",
            "payable",
        ]


class CloseClearingRequest(serializers.Serializer[None]):
    with_region = serializers.IntegerField(help_text="id of the other region's government")
    budget_year = serializers.IntegerField(min_value=2000, max_value=2100)
    upto = serializers.DateTimeField()
