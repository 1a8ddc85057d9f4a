"""Promised capacity, hour by hour."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted
from providers.models import Pool
from scheduling import moves
from scheduling.models.matching import Placement


class PoolHour(models.Model):
    """How many of a pool's units are promised in one hour. The last word on overselling.

    `taken` is allocated to accepted placements, `proposed` is kept for those on offer.
    """

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="hours")
    starts_at = models.DateTimeField(_("hour"))
    units = models.PositiveIntegerField(_("units"))
    taken = models.PositiveIntegerField(_("taken"), default=0, db_default=0)
    proposed = models.PositiveIntegerField(_("proposed"), default=0, db_default=0)

    class Meta:
        verbose_name = _("pool hour")
        verbose_name_plural = _("pool hours")
        constraints = [
            models.UniqueConstraint(fields=["pool", "starts_at"], name="a_pool_hour_stands_once"),
            models.CheckConstraint(
                condition=Q(units__gte=F("taken") + F("proposed")),
                name="a_pool_hour_is_never_oversold",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.starts_at:%F %H} {self.taken}/{self.units}"


class Closure(models.Model):
    """Hours in which a pool cannot run anything: an outage, or maintenance announced before.

    It is lifted, never deleted; `lifted_at` empty = it stands.
    """

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
                name="a_closure_has_a_beginning_and_an_end",
            ),
        ]
        triggers = never_deleted("closure")

    def __str__(self) -> str:
        return f"{self.pool} {self.kind}"


class Allocation(models.Model):
    """Capacity promised to a workload."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        RELEASED = "released", _("released")
        COMPLETED = "completed", _("completed")

    placement = models.OneToOneField(Placement, models.PROTECT, related_name="allocation")
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="allocations")
    units = models.PositiveIntegerField(_("units"))
    state = models.TextField(_("state"), choices=State, default=State.ACTIVE)
    allocated_at = models.DateTimeField(_("allocated at"))

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        triggers = [moves_only_along("allocation", moves.ALLOCATION_MOVES)]

    def __str__(self) -> str:
        return f"{self.placement}"
