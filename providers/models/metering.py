"""Meters and their interval readings."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, never_deleted, written_once
from providers.models.inventory import Facility, Pool


class Meter(models.Model):
    """One quantity measured at a facility, or at one of its pools (IT energy only).

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
                condition=Q(pool__isnull=True) | Q(kind="it_kwh"),
                name="a_pool_meter_measures_it_energy",
            ),
        ]
        triggers = [
            *never_deleted("meter"),
            written_once("meter", "facility_id", "pool_id", "kind", "code"),
        ]

    def __str__(self) -> str:
        return self.code


class MeterReading(models.Model):
    """One interval of one meter, half-open, kept for ever.

    (source, event_id) is remembered for ever, so a repeated delivery changes nothing. A value that
    cannot be true is kept as `quarantined` with its reason and used by nothing.
    """

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        QUARANTINED = "quarantined", _("quarantined")

    class Reason(models.TextChoices):
        NEGATIVE = "negative", _("below zero")
        TOO_COARSE = "too_coarse", _("electricity coarser than the clock hour")
        IN_THE_FUTURE = "in_the_future", _("ends after it was received")
        OVERLAP = "overlap", _("overlaps another interval of the meter")
        IT_ABOVE_TOTAL = "it_above_total", _("IT energy above facility energy (PUE below 1)")

    meter = models.ForeignKey(Meter, models.PROTECT, related_name="readings")
    source = models.TextField(_("source"))
    event_id = models.TextField(_("event"))
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=6)
    state = models.TextField(_("state"), choices=State)
    reason = models.TextField(_("reason"), choices=Reason, null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("meter reading")
        verbose_name_plural = _("meter readings")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_id"], name="a_meter_event_is_taken_once"
            ),
            ExclusionConstraint(
                name="accepted_intervals_of_a_meter_do_not_overlap",
                expressions=[
                    ("meter", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(state="accepted"),
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
                & Q(period__startswith__isnull=False)
                & Q(period__endswith__isnull=False),
                name="a_reading_has_an_interval",
            ),
        ]
        triggers = immutable("meter_reading")

    def __str__(self) -> str:
        return f"{self.meter_id} {self.period}"
