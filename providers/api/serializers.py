"""Shapes of the suppliers' API. Quantities are decimal texts, the unit last in the name."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from identity.uscc import validate_adcode
from providers.green import lateness
from providers.models import (
    AcceleratorModel,
    Facility,
    GreenCertificate,
    GreenRating,
    GridFactor,
    HubArea,
    Meter,
    MeterGap,
    MeterKey,
    MeterReading,
    Offer,
    Pool,
    PriceVersion,
)


class HubAreaSerializer(serializers.ModelSerializer[HubArea]):
    """A null figure was not printed: it is unknown."""

    metrics = serializers.DictField(read_only=True)
    details = serializers.DictField(read_only=True)
    source = serializers.DictField(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = HubArea
        fields = "__all__"


class GridFactorSerializer(serializers.ModelSerializer[GridFactor]):
    sources = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = GridFactor
        fields = "__all__"


class AcceleratorSerializer(serializers.ModelSerializer[AcceleratorModel]):
    """A null figure is one that no named source gives."""

    trace_names = serializers.ListField(child=serializers.CharField(), read_only=True)
    peak = serializers.DictField(read_only=True)
    interconnect = serializers.DictField(read_only=True)
    figure_sources = serializers.DictField(read_only=True)

    class Meta:
        model = AcceleratorModel
        fields = "__all__"


class OfficialStatusSerializer(serializers.Serializer[Any]):
    """Another body's verdict, copied; never computed here."""

    kind = serializers.CharField()
    level = serializers.CharField()
    certificate_number = serializers.CharField()
    issuer = serializers.CharField()
    valid_from = serializers.DateField(allow_null=True, default=None)
    valid_until = serializers.DateField(allow_null=True, default=None)
    document_sha256 = serializers.CharField(allow_null=True, default=None)


class SiteSerializer(serializers.Serializer[Any]):
    """What is known of the site; what is left out is unknown."""

    design_racks = serializers.IntegerField(min_value=0, required=False)
    installed_racks = serializers.IntegerField(min_value=0, required=False)
    racks_in_use = serializers.IntegerField(min_value=0, required=False)
    nominal_rack_kw = serializers.DecimalField(10, 3, min_value=0, required=False)
    adjustable_load_kw = serializers.DecimalField(12, 3, min_value=0, required=False)
    maximum_load_kw = serializers.DecimalField(12, 3, min_value=0, required=False)


class FacilityRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    adcode = serializers.CharField(validators=[validate_adcode])
    hub_area = serializers.IntegerField(allow_null=True, default=None)
    site = SiteSerializer(required=False)
    official_statuses = OfficialStatusSerializer(many=True, default=list)
    sample = serializers.BooleanField(default=False)
    basis = serializers.CharField(default="", allow_blank=True)


class FacilitySerializer(serializers.ModelSerializer[Facility]):
    provider_name = serializers.CharField(source="provider.name", read_only=True)
    official_statuses = OfficialStatusSerializer(many=True, read_only=True)

    class Meta:
        model = Facility
        fields = "__all__"


class PoolRequest(serializers.Serializer[Any]):
    facility = serializers.IntegerField()
    code = serializers.CharField(max_length=100)
    accelerator = serializers.CharField(help_text="code of the catalogue")
    units = serializers.IntegerField(min_value=1, max_value=10_000_000)
    kw_per_unit = serializers.DecimalField(9, 4)
    slice_id = serializers.CharField(allow_null=True, default=None)
    sample = serializers.BooleanField(default=False)


class PoolSerializer(serializers.ModelSerializer[Pool]):
    facility_name = serializers.CharField(source="facility.name", read_only=True)
    accelerator = serializers.CharField(source="accelerator.code", read_only=True)

    class Meta:
        model = Pool
        fields = "__all__"


class PriceSerializer(serializers.ModelSerializer[PriceVersion]):
    starts_at = serializers.DateTimeField(source="valid.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="valid.upper", read_only=True, allow_null=True)

    class Meta:
        model = PriceVersion
        fields = [
            "id",
            "offer",
            "price_fen_per_unit_hour",
            "currency",
            "starts_at",
            "ends_at",
            "recorded_at",
        ]


class PriceRequest(serializers.Serializer[Any]):
    """`starts_at` left out means from now on."""

    offer = serializers.IntegerField()
    price_fen_per_unit_hour = serializers.IntegerField(min_value=0, max_value=2**40 - 1)
    currency = serializers.CharField()
    starts_at = serializers.DateTimeField(required=False)
    ends_at = serializers.DateTimeField(allow_null=True, default=None)


class OfferRequest(serializers.Serializer[Any]):
    pool = serializers.IntegerField()
    unit = serializers.CharField(help_text="card_hour or core_hour")
    sample = serializers.BooleanField(default=False)


class OfferSerializer(serializers.ModelSerializer[Offer]):
    pool_code = serializers.CharField(source="pool.code", read_only=True)
    prices = PriceSerializer(many=True, read_only=True)

    class Meta:
        model = Offer
        fields = ["id", "pool", "pool_code", "unit", "state", "sample", "drafted_at", "prices"]


class MeterRequest(serializers.Serializer[Any]):
    facility = serializers.IntegerField()
    kind = serializers.CharField(help_text="quantity with its unit last, such as it_kwh")
    code = serializers.CharField(max_length=100)
    pool = serializers.IntegerField(allow_null=True, default=None)
    sample = serializers.BooleanField(default=False)


class MeterSerializer(serializers.ModelSerializer[Meter]):
    class Meta:
        model = Meter
        fields = "__all__"


class MeterReadingSerializer(serializers.ModelSerializer[MeterReading]):
    starts_at = serializers.DateTimeField(source="period.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="period.upper", read_only=True)
    kind = serializers.CharField(source="meter.kind", read_only=True)
    source = serializers.CharField(source="source.name", read_only=True)  # type: ignore[assignment]
    lateness = serializers.SerializerMethodField()

    def get_lateness(self, row: MeterReading) -> str:
        """on_time, grace, late_open_period, late_closed_period or too_late."""
        return lateness(row.period.upper, row.recorded_at)

    class Meta:
        model = MeterReading
        fields = [
            "id",
            "meter",
            "kind",
            "source",
            "event_id",
            "starts_at",
            "ends_at",
            "quantity",
            "revision",
            "state",
            "reason",
            "lateness",
            "recorded_at",
        ]


class ReadingRequest(serializers.Serializer[Any]):
    meter = serializers.CharField(help_text="code of the meter")
    event_id = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    quantity = serializers.DecimalField(20, 6)
    unit = serializers.CharField(help_text="kWh, m3 or h, as the meter's kind says")
    corrects = serializers.CharField(required=False, help_text="event this replaces")


class SeriesRequest(serializers.Serializer[Any]):
    """Equal intervals one after the other; null = no value. Events are named meter@start."""

    meter = serializers.CharField(help_text="code of the meter")
    unit = serializers.CharField(help_text="kWh or m3, as the meter's kind says")
    starts_at = serializers.DateTimeField()
    interval_seconds = serializers.IntegerField(min_value=1)
    quantities = serializers.ListField(child=serializers.DecimalField(20, 6, allow_null=True))


class ReadingBatchRequest(serializers.Serializer[Any]):
    """`readings` one by one, or `series` for speed, or both; up to 100,000 rows."""

    facility = serializers.IntegerField()
    source = serializers.CharField(max_length=200)  # type: ignore[assignment]
    readings = ReadingRequest(many=True, required=False)
    series = SeriesRequest(many=True, required=False)


class RowFateSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    fate = serializers.CharField(help_text="duplicate, conflicting or quarantined")
    reason = serializers.CharField(allow_null=True)


class IngestResultSerializer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    conflicting = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    not_accepted = RowFateSerializer(many=True)


class NewCertificateRequest(serializers.Serializer[Any]):
    serial = serializers.CharField(max_length=200)
    vintage = serializers.DateField()
    backs = serializers.CharField(default="grid")
    lapses_on = serializers.DateField(allow_null=True, default=None)


class CertificatesRequest(serializers.Serializer[Any]):
    certificates = NewCertificateRequest(many=True)
    sample = serializers.BooleanField(default=False)


class AllocateRequest(serializers.Serializer[Any]):
    facility = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    serials = serializers.ListField(child=serializers.CharField())


class RetireRequest(serializers.Serializer[Any]):
    facility = serializers.IntegerField()
    serials = serializers.ListField(child=serializers.CharField())


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class CertificateSerializer(serializers.ModelSerializer[GreenCertificate]):
    facility = serializers.IntegerField(
        source="allocation.facility_id", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = GreenCertificate
        fields = "__all__"


class DraftRatingRequest(serializers.Serializer[Any]):
    facility = serializers.IntegerField()
    first_day = serializers.DateField(help_text="first civil day of the period, Asia/Shanghai")


class RatingReasonRequest(serializers.Serializer[Any]):
    reason = serializers.CharField()


class RevokeRequest(serializers.Serializer[Any]):
    reason = serializers.CharField()
    revoked_from = serializers.DateTimeField()


class RatingSerializer(serializers.ModelSerializer[GreenRating]):
    """`green_tier` 4 (best) .. 1; null = unrated, which is not zero."""

    period_starts_at = serializers.DateTimeField(source="period.lower", read_only=True)
    period_ends_at = serializers.DateTimeField(source="period.upper", read_only=True)
    valid_from = serializers.SerializerMethodField()
    expired = serializers.SerializerMethodField()
    facility_name = serializers.CharField(source="facility.name", read_only=True)
    indicators = serializers.ListField(child=serializers.DictField(), read_only=True)
    findings = serializers.DictField(read_only=True)

    class Meta:
        model = GreenRating
        exclude = ["period", "valid"]

    def get_valid_from(self, rating: GreenRating) -> str | None:
        return rating.valid.lower.isoformat() if rating.valid else None

    def get_expired(self, rating: GreenRating) -> bool:
        return rating.has_expired(timezone.now())


class BundleSerializer(serializers.Serializer[Any]):
    """Recompute it with docs/verify_rating.py."""

    input = serializers.DictField()
    output = serializers.DictField()
    input_sha256 = serializers.CharField()
    output_sha256 = serializers.CharField()


class MeterEventShape(serializers.Serializer[Any]):
    """A CloudEvent 1.0. type cn.suanquan.meter.interval.v1: data {starts_at, ends_at, quantity,
    unit, corrects?}; cn.suanquan.meter.counter.v1: data {epoch, read_at, value, unit}."""

    specversion = serializers.CharField()
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    subject = serializers.CharField(help_text="code of the meter")
    time = serializers.DateTimeField(required=False)
    data = serializers.DictField()  # type: ignore[assignment]


class MeterKeyRequest(serializers.Serializer[Any]):
    facility = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    algorithm = serializers.CharField(default="ed25519", help_text="ed25519 or hmac_sha256")
    public_key = serializers.CharField(default="", allow_blank=True, help_text="base64, Ed25519")


class MeterKeySerializer(serializers.ModelSerializer[MeterKey]):
    """`secret` is shown once, when an HMAC key is made."""

    secret = serializers.CharField(read_only=True, required=False)

    class Meta:
        model = MeterKey
        fields = [
            "id",
            "facility",
            "key_id",
            "algorithm",
            "name",
            "issued_at",
            "revoked_at",
            "secret",
        ]


class MeterGapSerializer(serializers.ModelSerializer[MeterGap]):
    starts_at = serializers.DateTimeField(source="missing.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="missing.upper", read_only=True)

    class Meta:
        model = MeterGap
        fields = ["id", "meter", "starts_at", "ends_at", "noticed_at", "closed_at"]


class VerifyRequest(serializers.Serializer[Any]):
    statement = serializers.CharField(max_length=5000, help_text="what was seen, where and when")


class GateAnswerShape(serializers.Serializer[Any]):
    """A condition and its answer. `layer`: official (copied certificate), computed (our index, by
    the rating in `source`), gate (stated with an application). `actual` null = nothing to show."""

    metric = serializers.CharField()
    op = serializers.CharField()
    asked = serializers.CharField()
    actual = serializers.CharField(allow_null=True)
    met = serializers.BooleanField()
    layer = serializers.ChoiceField(["official", "computed", "gate"])
    source = serializers.CharField()  # type: ignore[assignment]


class DirectYearShape(serializers.Serializer[Any]):
    """`decision` null: `missing` names the meters with uncovered hours."""

    year = serializers.IntegerField()
    kwh = serializers.DictField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())
    decision = serializers.DictField(allow_null=True)
