"""Promised capacity, hour by hour."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, names_what_exists
from providers.models import Pool
from scheduling import moves
from scheduling.models.matching import Placement


class PoolHour(models.Model):
    """How many of a pool's units are promised in one hour. The last word on overselling.

    `taken` is allocated to accepted placements, `proposed` is kept for those on offer.
    """

    pool = models.ForeignKey(
        Pool, models.PROTECT, related_name="hours", db_constraint=False, db_index=False
    )
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
        triggers = [
            names_what_exists("pool_hour", "pool", "providers_pool"),
            pgtrigger.Protect(
                name="pool_hour_stays_with_its_pool",
                operation=pgtrigger.UpdateOf("pool_id"),
                condition=pgtrigger.Q(old__pool__df=pgtrigger.F("new__pool")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.starts_at:%F %H} {self.taken}/{self.units}"


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
