"""What retroactive terms would have changed: computed before their approval, raised after it."""

from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from treasury.models import Payable, RecoveryCase
from vouchers import moves
from vouchers.models.applications import Application
from vouchers.models.awards import SubsidyAward
from vouchers.models.claims import Claim
from vouchers.models.programmes import PolicyVersion
from vouchers.models.windows import WindowAnswer

SUBJECTS = ("application", "claim", "award", "window_answer")


def _one_of(*columns: str) -> Q:
    """Exactly one of `columns` is filled."""
    alone = [Q(**{f"{each}__isnull": each != only for each in columns}) for only in columns]
    return reduce(or_, alone)


class Recomputation(models.Model):
    """Every decision since a retroactive version's effective date, decided again under it."""

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="recomputations")
    digest = models.CharField(_("hash of the differences"), max_length=64)
    examined = models.PositiveIntegerField(_("decisions examined"))
    undecidable = models.PositiveIntegerField(_("not decidable on the facts kept"))
    more_fen = models.PositiveBigIntegerField(_("more (fen)"))
    less_fen = models.PositiveBigIntegerField(_("less (fen)"))
    computed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    computed_at = models.DateTimeField(_("computed at"))

    class Meta:
        verbose_name = _("recomputation")
        verbose_name_plural = _("recomputations")
        triggers = immutable("recomputation")

    def __str__(self) -> str:
        return f"{self.version} · {self.computed_at:%Y-%m-%d %H:%M}"


class Difference(models.Model):
    """One decision that comes out otherwise: by how much, why, and what followed from it."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        OWED = "owed", _("owed as a supplement")
        RECOVERED = "recovered", _("to be recovered")
        NOTICED = "noticed", _("noticed")

    MOVES = moves.DIFFERENCE_MOVES

    recomputation = models.ForeignKey(Recomputation, models.PROTECT, related_name="differences")
    beneficiary = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, blank=True, related_name="differences"
    )
    claim = models.ForeignKey(
        Claim, models.PROTECT, null=True, blank=True, related_name="differences"
    )
    award = models.ForeignKey(
        SubsidyAward, models.PROTECT, null=True, blank=True, related_name="differences"
    )
    window_answer = models.ForeignKey(
        WindowAnswer, models.PROTECT, null=True, blank=True, related_name="differences"
    )
    before_fen = models.PositiveBigIntegerField(_("decided (fen)"))
    after_fen = models.PositiveBigIntegerField(_("under the new terms (fen)"))
    evaluation = models.JSONField(_("evaluation under the new terms"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="difference"
    )
    recovery = models.OneToOneField(
        RecoveryCase, models.PROTECT, null=True, blank=True, related_name="difference"
    )

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        constraints = [
            models.CheckConstraint(
                condition=~Q(before_fen=models.F("after_fen")), name="a_difference_differs"
            ),
            models.CheckConstraint(
                condition=_one_of(*SUBJECTS),
                name="a_difference_is_of_one_decision",
            ),
            models.CheckConstraint(
                condition=~Q(state="owed")
                | Q(payable__isnull=False, after_fen__gt=models.F("before_fen")),
                name="a_supplement_is_a_payable",
            ),
            models.CheckConstraint(
                condition=~Q(state="recovered")
                | Q(recovery__isnull=False, after_fen__lt=models.F("before_fen")),
                name="a_recovered_difference_has_a_case",
            ),
        ]
        triggers = [
            *never_deleted("difference"),
            starts_as("difference", "proposed"),
            moves_only_along("difference", moves.DIFFERENCE_MOVES),
            written_once(
                "difference",
                "recomputation_id",
                "beneficiary_id",
                "application_id",
                "claim_id",
                "award_id",
                "window_answer_id",
                "before_fen",
                "after_fen",
                "evaluation",
                "payable_id",
                "recovery_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.before_fen} → {self.after_fen}"

    @property
    def subject(self) -> Application | Claim | SubsidyAward | WindowAnswer:
        """What was decided."""
        found = self.application or self.claim or self.award or self.window_answer
        assert found is not None
        return found

    @property
    def change_fen(self) -> int:
        """Signed: what the new terms give more."""
        return self.after_fen - self.before_fen
