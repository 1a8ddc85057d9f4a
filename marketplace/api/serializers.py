"""Shapes of the storefront's API."""

from typing import Any

from rest_framework import serializers

from identity.uscc import validate_adcode
from marketplace.models import Charge, ClearingLine, ClearingRun, Order, Payment, Refund
from scheduling.models import Workload


class WorkloadRequest(serializers.Serializer[Any]):
    """What an enterprise submits. Times are RFC 3339 with offset."""

    reference = serializers.CharField(max_length=100)
    kinds = serializers.ListField(child=serializers.CharField(), default=list)
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)
    duration_hours = serializers.IntegerField(min_value=1, max_value=8760)
    earliest_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField()
    regions = serializers.ListField(
        child=serializers.CharField(validators=[validate_adcode]), default=list
    )
    min_green_tier = serializers.IntegerField(
        min_value=1, max_value=4, allow_null=True, default=None
    )
    max_price_fen_per_unit_hour = serializers.IntegerField(min_value=1, max_value=2**53 - 1)
    interruptible = serializers.BooleanField(default=False)
    voucher_id = serializers.IntegerField(allow_null=True, default=None)
    sample = serializers.BooleanField(default=False)
    origin = serializers.CharField(
        default="", allow_blank=True, max_length=300, help_text="where the workload comes from"
    )


class WorkloadSerializer(serializers.ModelSerializer[Workload]):
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    regions = serializers.ListField(child=serializers.CharField(), read_only=True)
    voucher_terms = serializers.DictField(read_only=True, allow_null=True)
    unplaced_reason = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = Workload
        exclude = ["submitted_at"]


class AcceptRequest(serializers.Serializer[Any]):
    """The placement to order."""

    placement = serializers.IntegerField(min_value=1)


class OrderSerializer(serializers.ModelSerializer[Order]):
    own_fen = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = [
            "id",
            "state",
            "enterprise",
            "provider",
            "placement",
            "voucher",
            "redemption",
            "price_fen",
            "voucher_fen",
            "own_fen",
            "placed_at",
        ]

    def get_own_fen(self, order: Order) -> int:
        return order.price_fen - order.voucher_fen


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    class Meta:
        model = Payment
        fields = ["id", "charge", "amount_fen", "intent_id", "state", "failure", "succeeded_at"]


class ChargeSerializer(serializers.ModelSerializer[Charge]):
    payment = PaymentSerializer(read_only=True, allow_null=True)
    currency = serializers.CharField(default="CNY", read_only=True)

    class Meta:
        model = Charge
        fields = [
            "id",
            "order",
            "accelerator_hours",
            "energy_kwh",
            "carbon_kg",
            "total_fen",
            "voucher_fen",
            "own_fen",
            "currency",
            "charged_at",
            "payment",
        ]


class RefundRequest(serializers.Serializer[Any]):
    """How much of a charge to give back, and why; `reference` is the provider's own."""

    amount_fen = serializers.IntegerField(min_value=1, max_value=2**53 - 1)
    reference = serializers.CharField(max_length=100)
    reason = serializers.CharField(max_length=500)


class RefundSerializer(serializers.ModelSerializer[Refund]):
    class Meta:
        model = Refund
        fields = [
            "id",
            "reference",
            "charge",
            "total_fen",
            "voucher_fen",
            "own_fen",
            "reason",
            "state",
            "failure",
            "granted_at",
        ]


class PayRequest(serializers.Serializer[Any]):
    """How to pay: a payment method of the gateway, for example `pm_card_visa`."""

    payment_method = serializers.CharField(max_length=100)


class ClearingRequest(serializers.Serializer[Any]):
    """Clear the charges made before `upto`."""

    upto = serializers.DateTimeField()


class ClearingLineSerializer(serializers.ModelSerializer[ClearingLine]):
    class Meta:
        model = ClearingLine
        fields = ["id", "charge", "provider", "government_fen", "enterprise_fen", "payable"]


class ClearingRunSerializer(serializers.ModelSerializer[ClearingRun]):
    lines = ClearingLineSerializer(many=True, read_only=True)
    government_fen = serializers.IntegerField(read_only=True)
    enterprise_fen = serializers.IntegerField(read_only=True)

    class Meta:
        model = ClearingRun
        fields = [
            "id",
            "issuer",
            "upto",
            "computed_at",
            "government_fen",
            "enterprise_fen",
            "lines",
        ]
