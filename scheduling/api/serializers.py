"""Shapes of the control room's API."""

from rest_framework import serializers

from scheduling.models import Job, Listing, MatchRun, Placement, Platform, UsageRecord


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
    green_tier = serializers.IntegerField(source="rating.tier", read_only=True, allow_null=True)
    own_fen = serializers.IntegerField(read_only=True)
    workload_reference = serializers.CharField(source="workload.reference", read_only=True)
    segments = serializers.ListField(
        child=serializers.ListField(child=serializers.DateTimeField()), read_only=True
    )
    explanation = serializers.DictField(read_only=True)

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
            "valid_until",
        ]


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


class ListingSerializer(serializers.ModelSerializer[Listing]):
    class Meta:
        model = Listing
        fields = ["id", "platform", "pool", "owner"]
        read_only_fields = ["owner"]
        validators: list[object] = []
