"""Shapes of tranches, adjustments and forecasts."""

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from treasury.budget_use import BudgetUse, WeekOfUse
from treasury.forecast import Exhaustion
from treasury.models import Adjustment, Tranche

SIGNED = [
    "amount_fen",
    "reason",
    "state",
    "proposed_by",
    "proposed_at",
    "approved_by_1",
    "approved_by_2",
    "approved_at",
    "transfer",
]


class TrancheSerializer(serializers.ModelSerializer[Tranche]):
    class Meta:
        model = Tranche
        fields = ["id", "envelope", "number", *SIGNED]


class TrancheRequest(serializers.Serializer[None]):
    envelope = serializers.IntegerField()
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    reason = serializers.CharField(max_length=2000)


class AdjustmentSerializer(serializers.ModelSerializer[Adjustment]):
    class Meta:
        model = Adjustment
        fields = ["id", "kind", "envelope", "funding_source", "to_envelope", *SIGNED]


class AdjustmentRequest(serializers.Serializer[None]):
    """`funding_source` for add and cut, `to_envelope` for transfer."""

    kind = serializers.ChoiceField(choices=Adjustment.Kind.values)
    envelope = serializers.IntegerField()
    funding_source = serializers.IntegerField(required=False, allow_null=True, default=None)
    to_envelope = serializers.IntegerField(required=False, allow_null=True, default=None)
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    reason = serializers.CharField(max_length=2000)


class WeekOfUseSerializer(serializers.Serializer[WeekOfUse]):
    week = serializers.DateField(help_text="its Monday")
    promised_fen = serializers.IntegerField()
    issued_fen = serializers.IntegerField()


class ExhaustionSerializer(serializers.Serializer[Exhaustion]):
    """Dates are null when not known, or beyond five years (`known` is true then)."""

    known = serializers.BooleanField()
    why = serializers.CharField(
        help_text="forecast, exhausted, fewer_than_four_weeks or nothing_is_promised"
    )
    per_week_fen = serializers.IntegerField(allow_null=True)
    weeks_seen = serializers.IntegerField()
    earliest = serializers.DateField(allow_null=True, help_text="10 % quantile")
    expected = serializers.DateField(allow_null=True)
    latest = serializers.DateField(allow_null=True, help_text="90 % quantile")


class ForecastSerializer(serializers.Serializer[BudgetUse]):
    left_fen = serializers.IntegerField()
    appropriated_fen = serializers.IntegerField()
    used_percent = serializers.IntegerField()
    exhausted = serializers.BooleanField()
    alerts = serializers.ListField(child=serializers.IntegerField())
    weeks = WeekOfUseSerializer(many=True)
    exhaustion = ExhaustionSerializer()
