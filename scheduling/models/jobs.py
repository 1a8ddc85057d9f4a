"""Jobs at platforms: attempts, what platforms told us, and metered use."""

from uuid import uuid4

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along
from scheduling import moves
from scheduling.models.capacity import Allocation
from scheduling.models.platforms import Platform


class Job(models.Model):
    """One attempt at a platform. `lease_id` is ours: repeating a dispatch starts nothing twice.

    States follow GA4GH TES; "created" is ours: not yet handed over.
    """

    class State(models.TextChoices):
        CREATED = "CREATED", _("created")
        QUEUED = "QUEUED", _("queued")
        INITIALIZING = "INITIALIZING", _("initializing")
        RUNNING = "RUNNING", _("running")
        COMPLETE = "COMPLETE", _("complete")
        EXECUTOR_ERROR = "EXECUTOR_ERROR", _("failed: the program")
        SYSTEM_ERROR = "SYSTEM_ERROR", _("failed: the platform")
        PREEMPTED = "PREEMPTED", _("preempted")
        CANCELED = "CANCELED", _("cancelled")

    FINAL = ("COMPLETE", "EXECUTOR_ERROR", "SYSTEM_ERROR", "PREEMPTED", "CANCELED")

    lease_id = models.UUIDField(_("lease"), unique=True, default=uuid4)
    allocation = models.OneToOneField(Allocation, models.PROTECT, related_name="job")
    platform = models.ForeignKey(Platform, models.PROTECT, related_name="jobs")
    state = models.TextField(_("state"), choices=State, default=State.CREATED)
    platform_ref = models.TextField(_("name at the platform"), blank=True, default="")
    sequence = models.PositiveIntegerField(_("last event applied"), default=0)
    reason = models.TextField(_("reason"), blank=True, default="")
    simulated = models.BooleanField(_("simulated"), default=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        triggers = [
            moves_only_along("job", moves.JOB_MOVES),
        ]

    def __str__(self) -> str:
        return str(self.lease_id)


class PlatformCallback(models.Model):
    """The inbox: a platform's event stored by its id, answered, and handled once."""

    source = models.TextField(_("source"))
    event_id = models.TextField(_("event"))
    job = models.ForeignKey(Job, models.PROTECT, related_name="callbacks")
    sequence = models.PositiveIntegerField(_("sequence"))
    body = models.JSONField(_("body"))
    received_at = models.DateTimeField(_("received at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("platform callback")
        verbose_name_plural = _("platform callbacks")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_id"], name="an_event_of_a_platform_is_stored_once"
            ),
            models.UniqueConstraint(
                fields=["job", "sequence"], name="a_job_has_one_event_for_each_sequence_number"
            ),
        ]
        triggers = immutable("platform_callback")

    def __str__(self) -> str:
        return self.event_id


class UsageRecord(models.Model):
    """Metered use over [starts_at, ends_at): kept as reported, judged once, never edited."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        QUARANTINED = "quarantined", _("quarantined")

    job = models.ForeignKey(Job, models.PROTECT, related_name="usage")
    source = models.TextField(_("source"))
    event_id = models.TextField(_("event"))
    meter = models.TextField(_("meter"))
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    accelerator_hours = models.DecimalField(_("accelerator-hours"), max_digits=18, decimal_places=6)
    energy_kwh = models.DecimalField(
        _("energy (kWh)"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    state = models.TextField(_("state"), choices=State)
    quarantine_reason = models.TextField(_("why quarantined"), blank=True, default="")
    simulated = models.BooleanField(_("simulated"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_id"], name="a_usage_event_counts_once_for_ever"
            ),
            ExclusionConstraint(
                name="accepted_intervals_of_a_meter_never_overlap",
                expressions=[
                    ("meter", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(state="accepted"),
            ),
            models.CheckConstraint(
                condition=Q(accelerator_hours__gte=0)
                & (Q(energy_kwh__isnull=True) | Q(energy_kwh__gte=0)),
                name="metered_quantities_are_not_negative",
            ),
        ]
        triggers = immutable("usage_record")

    def __str__(self) -> str:
        return self.event_id
