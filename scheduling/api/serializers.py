"""Shapes of the control room's API."""

from typing import Any

import numpy as np
from drf_spectacular.utils import extend_schema_field
from numpy.typing import NDArray
from rest_framework import serializers

from scheduling.green_gates import green_gates
from scheduling.models import (
    Job,
    Listing,
    MatchRun,
    Placement,
    Platform,
    Relocation,
    UsageRecord,
)
from scheduling.read_week import Signal, Week, WeekRow


class PlatformSerializer(serializers.ModelSerializer[Platform]):
    class Meta:
        model = Platform
        fields = [
            "id",
            "sequence",
            "name",
            "region_printed",
            "adcode",
            "status",
            "status_text",
            "status_date",
            "can_dispatch",
            "evidence",
            "overlaps",
        ]


class PlacementSerializer(serializers.ModelSerializer[Placement]):
    pool_code = serializers.CharField(source="pool.code", read_only=True)
    facility = serializers.CharField(source="pool.facility.name", read_only=True)
    accelerator = serializers.CharField(source="pool.accelerator.code", read_only=True)
    adcode = serializers.CharField(source="pool.facility.adcode", read_only=True)
    green_tier = serializers.IntegerField(
        source="rating.green_tier", read_only=True, allow_null=True
    )
    own_fen = serializers.IntegerField(read_only=True)
    workload_reference = serializers.CharField(source="workload.reference", read_only=True)
    segments = serializers.ListField(
        child=serializers.ListField(child=serializers.DateTimeField()), read_only=True
    )
    explanation = serializers.DictField(read_only=True)
    gates = serializers.SerializerMethodField()

    class Meta:
        model = Placement
        fields = [
            "id",
            "state",
            "workload",
            "workload_reference",
            "run",
            "pool",
            "pool_code",
            "facility",
            "adcode",
            "accelerator",
            "rating",
            "green_tier",
            "starts_at",
            "ends_at",
            "segments",
            "price_fen",
            "voucher_fen",
            "own_fen",
            "price_fen_per_unit_hour",
            "energy_kwh",
            "carbon_kg",
            "explanation",
            "gates",
            "valid_until",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_gates(self, placement: Placement) -> list[dict[str, Any]]:
        """The workload's green conditions against the rating the placement saw: metric, op, asked,
        actual, met, layer, source."""
        return [each.as_dict() for each in green_gates(placement)]


class MatchRunSerializer(serializers.ModelSerializer[MatchRun]):
    gap = serializers.SerializerMethodField()
    progress = serializers.DictField(read_only=True)

    class Meta:
        model = MatchRun
        exclude = ["inputs", "certificate", "token"]

    def get_gap(self, run: MatchRun) -> float | None:
        """How far the plan is at most from the best, as a share; null while running."""
        return (run.certificate or {}).get("gap")


class UsageRecordSerializer(serializers.ModelSerializer[UsageRecord]):
    starts_at = serializers.DateTimeField(source="period.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="period.upper", read_only=True)

    class Meta:
        model = UsageRecord
        exclude = ["period"]


class JobSerializer(serializers.ModelSerializer[Job]):
    workload = serializers.IntegerField(source="allocation.placement.workload_id", read_only=True)
    platform_name = serializers.CharField(source="platform.name", read_only=True)
    usage = UsageRecordSerializer(many=True, read_only=True)

    class Meta:
        model = Job
        fields = [
            "id",
            "lease_id",
            "state",
            "reason",
            "workload",
            "platform",
            "platform_name",
            "platform_ref",
            "simulated",
            "usage",
        ]


class RelocationSerializer(serializers.ModelSerializer[Relocation]):
    workload = serializers.IntegerField(source="placement.workload_id", read_only=True)
    workload_reference = serializers.CharField(
        source="placement.workload.reference", read_only=True
    )
    from_facility = serializers.CharField(source="placement.pool.facility.name", read_only=True)
    to_facility = serializers.CharField(source="pool.facility.name", read_only=True)
    to_pool_code = serializers.CharField(source="pool.code", read_only=True)
    segments = serializers.ListField(
        child=serializers.ListField(child=serializers.DateTimeField()), read_only=True
    )

    class Meta:
        model = Relocation
        fields = [
            "id",
            "state",
            "placement",
            "workload",
            "workload_reference",
            "from_facility",
            "to_facility",
            "to_pool_code",
            "from_at",
            "segments",
            "price_fen",
            "voucher_fen",
            "price_saved_fen",
            "energy_kwh",
            "carbon_kg",
            "carbon_saved_kg",
            "valid_until",
            "outcome",
        ]


class NearMissSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField(allow_null=True)
    placed_elsewhere = serializers.BooleanField()
    pool_id = serializers.IntegerField()
    pool_code = serializers.CharField()
    facility = serializers.CharField()
    units = serializers.IntegerField()
    duration_hours = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    price_fen = serializers.IntegerField()
    price_delta_fen = serializers.IntegerField(allow_null=True)
    carbon_delta_kg = serializers.DecimalField(max_digits=18, decimal_places=3, allow_null=True)
    lost_because = serializers.CharField()
    cheaper_by_fen = serializers.IntegerField(allow_null=True)
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class WeekRowSerializer(serializers.Serializer[WeekRow]):
    adcode = serializers.CharField()
    kind = serializers.CharField()
    pools = serializers.IntegerField()
    capacity = serializers.SerializerMethodField()
    load = serializers.SerializerMethodField()
    price_fen = serializers.SerializerMethodField()
    shadow_fen = serializers.SerializerMethodField()

    def get_capacity(self, row: WeekRow) -> list[float | None]:
        """Units open, hour by hour."""
        return _figures(row.capacity)

    def get_load(self, row: WeekRow) -> list[float | None]:
        """Share of them promised; null where none is open."""
        return _figures(row.load)

    def get_price_fen(self, row: WeekRow) -> list[int | None]:
        """Mean price per unit-hour before voucher, to the fen."""
        return _fen(row.price_fen)

    def get_shadow_fen(self, row: WeekRow) -> list[int | None]:
        """What one more unit would have been worth, to the fen."""
        return _fen(row.shadow_fen)


class SignalSerializer(serializers.Serializer[Signal]):
    adcode = serializers.CharField()
    quality = serializers.ChoiceField(choices=["measured", "calibrated", "flat"])
    basis = serializers.CharField()
    kg_per_kwh = serializers.SerializerMethodField()

    def get_kg_per_kwh(self, signal: Signal) -> list[float | None]:
        """kg CO₂ per kWh, hour by hour."""
        return _figures(signal.kg_per_kwh, 5)


class WeekSerializer(serializers.Serializer[Week]):
    run = serializers.IntegerField(source="run.pk")
    starts_at = serializers.DateTimeField()
    hours = serializers.IntegerField()
    rows = WeekRowSerializer(many=True)
    signals = SignalSerializer(many=True)


def _figures(series: NDArray[Any], digits: int = 3) -> list[float | None]:
    return [round(float(x), digits) if np.isfinite(x) else None for x in series]


def _fen(series: NDArray[Any]) -> list[int | None]:
    return [round(float(x)) if np.isfinite(x) else None for x in series]


class ListingSerializer(serializers.ModelSerializer[Listing]):
    class Meta:
        model = Listing
        fields = ["id", "platform", "pool", "owner"]
        read_only_fields = ["owner"]
        validators: list[object] = []
