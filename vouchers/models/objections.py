"""What somebody holds against public money before it is owed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import User
from vouchers import moves
from vouchers.models.awards import SubsidyAward
from vouchers.models.claims import Claim


class Objection(models.Model):
    """异议: raised while a claim or an award is in public notice, decided by somebody who did not
    review it."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DISMISSED = "dismissed", _("dismissed")
        UPHELD = "upheld", _("upheld")

    MOVES = moves.OBJECTION_MOVES

    claim = models.ForeignKey(
        Claim, models.PROTECT, null=True, blank=True, related_name="objections"
    )
    award = models.ForeignKey(
        SubsidyAward, models.PROTECT, null=True, blank=True, related_name="objections"
    )
    raised_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField(_("objection"))
    raised_at = models.DateTimeField(_("raised at"))
    state = models.TextField(_("state"), choices=State, default=State.OPEN)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decision = models.TextField(_("decision"), blank=True, default="")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        constraints = [
            models.CheckConstraint(
                condition=Q(claim__isnull=False, award__isnull=True)
                | Q(claim__isnull=True, award__isnull=False),
                name="an_objection_stands_against_one_claim_or_award",
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("raised_by")),
                name="nobody_decides_their_own_objection",
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="a_decided_objection_names_who_decided",
            ),
        ]
        triggers = [
            *never_deleted("objection"),
            starts_as("objection", "open"),
            moves_only_along("objection", moves.OBJECTION_MOVES),
            written_once(
                "objection", "claim_id", "award_id", "raised_by_id", "text", "decided_by_id"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"

    @property
    def against(self) -> Claim | SubsidyAward:
        """What it stands against."""
        noticed = self.claim or self.award
        assert noticed is not None  # a constraint
        return noticed
