"""The regional scheduling platforms, and which pools they list."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from identity.models import Organization
from providers.models import Pool


class Platform(models.Model):
    """One of the regional scheduling platforms of Table 5, as printed."""

    sequence = models.PositiveSmallIntegerField(_("row of Table 5"), unique=True)
    name = models.TextField(_("name"))
    region_printed = models.TextField(_("region as printed"))
    adcode = models.CharField(_("GB/T 2260 code"), max_length=6)
    status = models.TextField(_("status"))
    status_text = models.TextField(_("status as printed"))
    status_date = models.DateField(_("date"))
    can_dispatch = models.BooleanField(_("can dispatch"))
    evidence = models.TextField(_("evidence"))
    facts = models.JSONField(_("facts"), default=dict)
    overlaps = models.ManyToManyField("self", verbose_name=_("overlaps with"), blank=True)
    operator = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True)
    connector = models.TextField(
        _("connector"), blank=True, default="", choices=[("", _("none")), ("sandbox", _("sandbox"))]
    )

    class Meta:
        verbose_name = _("platform")
        verbose_name_plural = _("platforms")
        ordering = ["sequence"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="construction_started", can_dispatch=True),
                name="a_platform_under_construction_cannot_dispatch",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Listing(models.Model):
    """A pool on a platform. The owner holds its capacity; any other listing is a reference."""

    platform = models.ForeignKey(Platform, models.PROTECT, related_name="listings")
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="listings")
    owner = models.BooleanField(_("owner"), default=True)

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "pool"], name="a_pool_is_listed_once_on_a_platform"
            ),
            models.UniqueConstraint(
                fields=["pool"], condition=Q(owner=True), name="a_pool_has_one_owning_platform"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool} @ {self.platform}"
