"""What enterprises want computed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted
from identity.models import Organization
from scheduling import moves


class Workload(models.Model):
    """What an enterprise wants computed, where, when, and at what price at most."""

    class State(models.TextChoices):
        SUBMITTED = "submitted", _("submitted")
        MATCHED = "matched", _("matched")
        UNPLACED = "unplaced", _("unplaced")
        ACCEPTED = "accepted", _("accepted")
        RUNNING = "running", _("running")
        COMPLETED = "completed", _("completed")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    enterprise = models.ForeignKey(
        Organization, models.PROTECT, related_name="workloads", db_index=False
    )
    reference = models.TextField(_("reference"))
    state = models.TextField(_("state"), choices=State, default=State.SUBMITTED)
    kinds = models.JSONField(_("accelerator kinds"), default=list, blank=True)
    units = models.PositiveIntegerField(_("units"))
    duration_hours = models.PositiveIntegerField(_("duration (hours)"))
    earliest_at = models.DateTimeField(_("earliest start"))
    deadline_at = models.DateTimeField(_("deadline"))
    regions = models.JSONField(_("regions"), default=list, blank=True)
    min_green_tier = models.PositiveSmallIntegerField(_("least green tier"), null=True, blank=True)
    max_price_fen_per_unit_hour = models.PositiveBigIntegerField(_("price limit (fen)"))
    interruptible = models.BooleanField(_("interruptible"), default=False)
    voucher_terms = models.JSONField(_("voucher terms"), null=True, blank=True)
    sample = models.BooleanField(_("sample data"), default=False)
    origin = models.TextField(_("origin"), blank=True, default="")
    unplaced_reason = models.JSONField(_("why unplaced"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted at"))

    class Meta:
        verbose_name = _("workload")
        verbose_name_plural = _("workloads")
        constraints = [
            models.UniqueConstraint(
                fields=["enterprise", "reference"], name="a_reference_names_one_workload"
            ),
            models.CheckConstraint(
                condition=Q(units__gt=0, duration_hours__gt=0), name="a_workload_wants_something"
            ),
            models.CheckConstraint(
                condition=Q(deadline_at__gt=F("earliest_at")),
                name="a_workload_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="submitted"), name="workloads_that_wait")
        ]
        triggers = [moves_only_along("workload", moves.WORKLOAD_MOVES), *never_deleted("workload")]

    def __str__(self) -> str:
        return self.reference
