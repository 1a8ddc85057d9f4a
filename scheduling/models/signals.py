"""Grid carbon by province and hour, each figure with how it is known."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CarbonSignal(models.Model):
    """Grid intensity of one region in one hour, kg CO₂ per kWh, and what it rests on.

    measured = published for that hour; calibrated = another place's hourly shape scaled to the
    official yearly mean. Where no signal stands, the published yearly mean counts: flat.
    """

    class Quality(models.TextChoices):
        MEASURED = "measured", _("measured")
        CALIBRATED = "calibrated", _("calibrated")

    adcode = models.CharField(_("GB/T 2260 code"), max_length=6)
    starts_at = models.DateTimeField(_("hour"))
    kg_per_kwh = models.DecimalField(_("kg CO₂ per kWh"), max_digits=8, decimal_places=5)
    quality = models.TextField(_("how it is known"), choices=Quality)
    source = models.TextField(_("source"))

    class Meta:
        verbose_name = _("carbon signal")
        verbose_name_plural = _("carbon signals")
        constraints = [
            models.UniqueConstraint(
                fields=["adcode", "starts_at"], name="a_region_has_one_carbon_signal_an_hour"
            ),
            models.CheckConstraint(
                condition=Q(kg_per_kwh__gte=0, kg_per_kwh__lt=10),
                name="a_carbon_signal_is_within_reason",
            ),
            models.CheckConstraint(
                condition=Q(quality__in=["measured", "calibrated"]),
                name="a_carbon_signal_says_how_it_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.adcode} {self.starts_at:%F %H} {self.kg_per_kwh}"
