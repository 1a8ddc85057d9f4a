"""Suspicions about a provider's figures: each a case with its numbers, decided by a person."""

from decimal import Decimal

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from providers.models.inventory import Facility, Pool

CASE_MOVES = (
    ("raised", "answered"),
    ("raised", "dismissed"),
    ("raised", "confirmed"),
    ("answered", "dismissed"),
    ("answered", "confirmed"),
)


class PlausibilityCase(models.Model):
    """A check that did not come out. It punishes nothing: a person decides, with a reason, and what
    follows from a confirmed case is an act of its own."""

    class State(models.TextChoices):
        RAISED = "raised", _("raised")
        ANSWERED = "answered", _("answered by the provider")
        DISMISSED = "dismissed", _("dismissed")
        CONFIRMED = "confirmed", _("confirmed")

    class Check(models.TextChoices):
        HOURS_ABOVE_ENERGY = "hours_above_energy", _("hours sold above metered energy")
        SOLD_ABOVE_INSTALLED = "sold_above_installed", _("hours sold above installed")
        USEFUL_BELOW_SOLD = "useful_below_sold", _("hardly any sold hour did work")
        JOBS_ABOVE_FACILITY = "jobs_above_facility", _("jobs above the facility's meter")
        LISTED_TWICE = "listed_twice", _("one slice under two identifiers")

    MOVES = CASE_MOVES

    check_name = models.TextField(_("check"), choices=Check)
    provider = models.ForeignKey(Organization, models.PROTECT, related_name="plausibility_cases")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="plausibility_cases")
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="plausibility_cases")
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    numbers = models.JSONField(_("numbers"))
    text_en = models.TextField(_("in English"))
    text_zh = models.TextField(_("in Chinese"))
    state = models.TextField(_("state"), choices=State, default=State.RAISED)
    raised_at = models.DateTimeField(_("raised at"))
    answer = models.TextField(_("answer"), blank=True, default="")
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    decision = models.TextField(_("reason of the decision"), blank=True, default="")
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("plausibility case")
        verbose_name_plural = _("plausibility cases")
        constraints = [
            models.UniqueConstraint(
                fields=["check_name", "pool", "period"], name="a_suspicion_is_raised_once"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["dismissed", "confirmed"])
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decision="")),
                name="a_case_is_decided_by_a_person_with_a_reason",
            ),
        ]
        triggers = [
            *never_deleted("plausibility_case"),
            starts_as("plausibility_case", "raised"),
            moves_only_along("plausibility_case", CASE_MOVES),
            written_once(
                "plausibility_case",
                "check_name",
                "pool_id",
                "period",
                "numbers",
                "text_en",
                "text_zh",
                "raised_at",
                "answered_at",
                "decided_by_id",
                "decided_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.pool_id}"


class MeterMonth(models.Model):
    """A meter's civil month (Asia/Shanghai) rolled up as readings come in, as last corrected."""

    meter = models.ForeignKey(
        "providers.Meter", models.PROTECT, related_name="months", db_index=False
    )
    month = models.DateField(_("month"))
    quantity = models.DecimalField(_("quantity"), max_digits=24, decimal_places=6)
    seconds = models.PositiveBigIntegerField(_("seconds covered"))
    readings = models.PositiveIntegerField(_("readings"))

    class Meta:
        verbose_name = _("month of a meter")
        verbose_name_plural = _("months of meters")
        constraints = [
            models.UniqueConstraint(
                fields=["meter", "month"], name="a_meter_has_one_roll_up_a_month"
            )
        ]

    def __str__(self) -> str:
        return f"{self.meter_id} {self.month}"

    @property
    def hours(self) -> Decimal:
        """Hours of the month for which there is a reading."""
        return Decimal(self.seconds) / 3600
