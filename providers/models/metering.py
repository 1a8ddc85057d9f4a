"""Meters and their interval readings."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, never_deleted, written_once
from providers.models.inventory import Facility, Pool

FACILITY_KINDS = (
    "facility_total_kwh",
    "it_kwh",
    "onsite_generation_kwh",
    "direct_line_kwh",
    "export_kwh",
    "curtailed_kwh",
    "storage_in_kwh",
    "storage_out_kwh",
    "water_m3",
    "reused_heat_kwh",
)


class Meter(models.Model):
    """One quantity measured at a facility, or at one of its pools (IT energy, accelerator-hours).

    `kind` names the quantity and its unit, the unit last (`it_kwh`, `water_m3`).
    """

    class Kind(models.TextChoices):
        FACILITY_TOTAL = "facility_total_kwh", _("facility total (kWh)")
        IT = "it_kwh", _("IT equipment (kWh)")
        ONSITE_GENERATION = "onsite_generation_kwh", _("on-site generation (kWh)")
        DIRECT_LINE = "direct_line_kwh", _("direct green line (kWh)")
        EXPORT = "export_kwh", _("export to the grid (kWh)")
        CURTAILED = "curtailed_kwh", _("curtailed generation (kWh)")
        STORAGE_IN = "storage_in_kwh", _("into storage (kWh)")
        STORAGE_OUT = "storage_out_kwh", _("out of storage (kWh)")
        WATER = "water_m3", _("water (m³)")
        REUSED_HEAT = "reused_heat_kwh", _("reused heat (kWh)")
        ACCELERATOR = "accelerator_hours", _("useful accelerator-hours")

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="meters")
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="meters", null=True, blank=True)
    kind = models.TextField(_("kind"), choices=Kind)
    code = models.TextField(_("code"))
    sample = models.BooleanField(_("sample data"), default=False)

    class Meta:
        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "code"], name="a_facility_names_a_meter_once"
            ),
            models.UniqueConstraint(
                fields=["facility", "kind"],
                condition=Q(pool__isnull=True),
                name="a_facility_has_one_meter_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(pool__isnull=True, kind__in=FACILITY_KINDS)
                | Q(pool__isnull=False, kind__in=("it_kwh", "accelerator_hours")),
                name="a_meter_measures_what_its_place_has",
            ),
        ]
        triggers = [
            *never_deleted("meter"),
            written_once("meter", "facility_id", "pool_id", "kind", "code"),
        ]

    def __str__(self) -> str:
        return self.code


class MeterSource(models.Model):
    """Who sends events, under the provider's own name: `<USCC>/<name of the agent>`."""

    name = models.TextField(_("source"), unique=True)

    class Meta:
        verbose_name = _("source of readings")
        verbose_name_plural = _("sources of readings")
        triggers = immutable("meter_source")

    def __str__(self) -> str:
        return self.name


class MeterEvent(models.Model):
    """Every event ever taken, by (source, id): a repeated delivery is known for ever.

    Kept apart from the readings because they are cut by month, and an event counts once in all
    months. `content` is a 64-bit hash that tells a repetition from another value under the same id.
    """

    pk = models.CompositePrimaryKey("source", "event_id")
    source = models.ForeignKey(MeterSource, models.PROTECT, related_name="+", db_index=False)
    event_id = models.TextField(_("event"))
    meter_id = models.BigIntegerField(_("meter"))
    starts_at = models.DateTimeField(_("starts at"))
    content = models.BigIntegerField(_("hash of the content"))

    class Meta:
        verbose_name = _("meter event")
        verbose_name_plural = _("meter events")
        triggers = immutable("meter_event")

    def __str__(self) -> str:
        return self.event_id


class MeterReading(models.Model):
    """One interval of one meter, half-open, kept for ever. Cut by civil month (Asia/Shanghai).

    A correction is a new row of the same interval with the next `revision`; the highest accepted
    revision counts. A value that cannot be true is kept as `quarantined` with its reason and used
    by nothing. `starts_at` is the start of `period`, which the database cuts by; each month's part
    holds the exclusion constraint, and no interval crosses a month.
    """

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        QUARANTINED = "quarantined", _("quarantined")

    class Reason(models.TextChoices):
        NEGATIVE = "negative", _("below zero")
        TOO_COARSE = "too_coarse", _("electricity coarser than the clock hour")
        CROSSES_A_MONTH = "crosses_a_month", _("crosses the end of a civil month")
        IN_THE_FUTURE = "in_the_future", _("ends after it was received")
        TOO_LATE = "too_late", _("came more than three years late")
        OVERLAP = "overlap", _("overlaps another interval of the meter")
        IT_ABOVE_TOTAL = "it_above_total", _("IT energy above facility energy (PUE below 1)")
        COUNTER_WENT_BACK = "counter_went_back", _("the counter went back within one epoch")
        CORRECTS_NOTHING = "corrects_nothing", _("corrects no accepted reading of this interval")
        MORE_THAN_INSTALLED = "more_than_installed", _("more hours than the pool's units have")

    meter = models.ForeignKey(Meter, models.PROTECT, related_name="readings", db_index=False)
    source = models.ForeignKey(MeterSource, models.PROTECT, related_name="+", db_index=False)
    event_id = models.TextField(_("event"))
    starts_at = models.DateTimeField(_("starts at"))
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=6)
    revision = models.PositiveSmallIntegerField(_("revision"), default=0)
    state = models.TextField(_("state"), choices=State)
    reason = models.TextField(_("reason"), choices=Reason, null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("meter reading")
        verbose_name_plural = _("meter readings")
        constraints = [
            ExclusionConstraint(
                name="accepted_intervals_of_a_meter_do_not_overlap",
                expressions=[
                    ("meter", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(state="accepted", revision=0),
            ),
            models.UniqueConstraint(
                fields=["meter", "starts_at", "revision"],
                condition=Q(state="accepted"),
                name="an_interval_has_one_reading_of_a_revision",
            ),
            models.CheckConstraint(
                condition=Q(state="accepted", reason__isnull=True)
                | Q(state="quarantined", reason__isnull=False),
                name="a_reading_is_quarantined_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(state="quarantined") | Q(quantity__gte=0),
                name="an_accepted_quantity_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False)
                & Q(period__startswith=F("starts_at"))
                & Q(period__endswith__isnull=False),
                name="a_reading_has_an_interval",
            ),
        ]
        triggers = immutable("meter_reading")

    def __str__(self) -> str:
        return f"{self.meter_id} {self.period}"


class CounterReading(models.Model):
    """A counter as it stood at an instant. `epoch` rises when it is reset or replaced; the
    difference of two instants of one epoch is a reading, across epochs it is a gap."""

    meter = models.ForeignKey(Meter, models.PROTECT, related_name="counter_readings")
    epoch = models.PositiveIntegerField(_("epoch"))
    read_at = models.DateTimeField(_("read at"))
    value = models.DecimalField(_("value"), max_digits=24, decimal_places=6)

    class Meta:
        verbose_name = _("counter reading")
        verbose_name_plural = _("counter readings")
        constraints = [
            models.UniqueConstraint(
                fields=["meter", "epoch", "read_at"], name="a_counter_stands_once_at_an_instant"
            )
        ]
        triggers = immutable("counter_reading")

    def __str__(self) -> str:
        return f"{self.meter_id}/{self.epoch} {self.value}"


class MeterGap(models.Model):
    """Hours for which a meter gave nothing usable: noticed, and closed when values came late.

    Never filled with an estimate: an hour without a reading is unknown.
    """

    meter = models.ForeignKey(Meter, models.PROTECT, related_name="gaps")
    missing = DateTimeRangeField(_("missing"), default_bounds="[)")
    noticed_at = models.DateTimeField(_("noticed at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("gap of a meter")
        verbose_name_plural = _("gaps of meters")
        constraints = [
            ExclusionConstraint(
                name="open_gaps_of_a_meter_do_not_overlap",
                expressions=[
                    ("meter", RangeOperators.EQUAL),
                    ("missing", RangeOperators.OVERLAPS),
                ],
                condition=Q(closed_at__isnull=True),
            )
        ]
        triggers = [
            *never_deleted("meter_gap"),
            written_once("meter_gap", "meter_id", "missing", "noticed_at", "closed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.meter_id} {self.missing}"


class MeterKey(models.Model):
    """What an agent signs with. Of Ed25519 only the public half is here; an HMAC secret is sealed
    with the server's key. A revoked key verifies nothing more."""

    class Algorithm(models.TextChoices):
        ED25519 = "ed25519", "Ed25519"
        HMAC_SHA256 = "hmac_sha256", "HMAC-SHA256"

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="meter_keys")
    key_id = models.TextField(_("key"), unique=True)
    algorithm = models.TextField(_("algorithm"), choices=Algorithm)
    material = models.TextField(_("public key, or sealed secret"))
    name = models.TextField(_("name of the agent"))
    issued_at = models.DateTimeField(_("issued at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("meter key")
        verbose_name_plural = _("meter keys")
        triggers = [
            *never_deleted("meter_key"),
            written_once(
                "meter_key", "facility_id", "key_id", "algorithm", "material", "revoked_at"
            ),
        ]

    def __str__(self) -> str:
        return self.key_id
