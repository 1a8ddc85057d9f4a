"""Times in which a pool cannot run anything."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import never_deleted, written_once
from providers.models.inventory import Pool


class Closure(models.Model):
    """Hours in which a pool is not sold and runs nothing, half-open: an outage, or maintenance
    announced before it begins. It is lifted, never deleted; `lifted_at` empty = it stands."""

    class Kind(models.TextChoices):
        OUTAGE = "outage", _("outage")
        MAINTENANCE = "maintenance", _("maintenance")

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="closures")
    kind = models.TextField(_("kind"), choices=Kind)
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    reason = models.TextField(_("reason"), blank=True, default="")
    declared_at = models.DateTimeField(_("declared at"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        constraints = [
            models.CheckConstraint(
                condition=Q(period__isempty=False)
                & Q(period__startswith__isnull=False)
                & Q(period__endswith__isnull=False),
                name="a_closure_begins_and_ends",
            ),
            models.CheckConstraint(
                condition=Q(kind="outage") | ~Q(reason=""), name="maintenance_has_a_reason"
            ),
            ExclusionConstraint(
                name="announced_maintenance_does_not_overlap",
                expressions=[
                    ("pool", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(kind="maintenance", lifted_at__isnull=True),
            ),
        ]
        triggers = [
            *never_deleted("closure"),
            written_once(
                "closure", "pool_id", "kind", "period", "reason", "declared_at", "lifted_at"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.kind}"
