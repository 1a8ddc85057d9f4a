"""Suggestions to move an interruptible job to greener or cheaper hours."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along
from providers.models import Pool
from scheduling import moves
from scheduling.models.matching import Placement


class Relocation(models.Model):
    """Suspend a placement at `from_at` and resume its rest in `pool`: shown to the enterprise, and
    done only when it accepts. Figures are those of the rest; savings are positive."""

    class State(models.TextChoices):
        SUGGESTED = "suggested", _("suggested")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("expired")

    placement = models.ForeignKey(Placement, models.PROTECT, related_name="relocations")
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="relocations")
    state = models.TextField(_("state"), choices=State, default=State.SUGGESTED)
    from_at = models.DateTimeField(_("suspend at"))
    segments = models.JSONField(_("hours"), help_text=_("half-open [from, to] instants"))
    price_fen = models.PositiveBigIntegerField(_("price of the rest before voucher (fen)"))
    voucher_fen = models.PositiveBigIntegerField(_("voucher part (fen)"))
    price_saved_fen = models.BigIntegerField(_("price saved (fen)"))
    energy_kwh = models.DecimalField(_("energy (kWh)"), max_digits=18, decimal_places=3)
    carbon_kg = models.DecimalField(
        _("carbon (kg CO₂)"), max_digits=18, decimal_places=3, null=True, blank=True
    )
    carbon_saved_kg = models.DecimalField(_("carbon saved (kg)"), max_digits=18, decimal_places=3)
    suggested_at = models.DateTimeField(_("suggested at"))
    valid_until = models.DateTimeField(_("valid until"))
    outcome = models.OneToOneField(
        Placement, models.PROTECT, null=True, blank=True, related_name="relocated_by"
    )

    class Meta:
        verbose_name = _("relocation")
        verbose_name_plural = _("relocations")
        constraints = [
            models.UniqueConstraint(
                fields=["placement"],
                condition=Q(state="suggested"),
                name="a_placement_has_one_standing_suggestion",
            ),
        ]
        triggers = [moves_only_along("relocation", moves.RELOCATION_MOVES)]

    def __str__(self) -> str:
        return f"{self.placement} → {self.pool}"
