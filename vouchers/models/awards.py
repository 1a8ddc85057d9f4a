"""Public money earned by a rule for a period."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Account
from treasury.models import Payable
from vouchers import moves
from vouchers.models.programmes import PolicyVersion
from vouchers.triggers import decided_by_the_other_side


class SubsidyAward(models.Model):
    """奖补: one rule, one beneficiary, one period, once. A zero is recorded with its reasons."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        HALF_APPROVED = "half_approved", _("approved by one")
        APPROVED = "approved", _("approved")
        PAID = "paid", _("paid")
        REJECTED = "rejected", _("rejected")

    MOVES = moves.AWARD_MOVES

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="awards")
    beneficiary = models.ForeignKey(Organization, models.PROTECT, related_name="awards")
    period_start = models.DateField(_("first day"))
    period_end = models.DateField(_("day after the last"))
    facts = models.JSONField(_("basis"))
    evaluation = models.JSONField(_("evaluation"))
    evaluation_digest = models.CharField(_("hash of the evaluation"), max_length=64)
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_1 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_2 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    earned = models.OneToOneField(Account, models.PROTECT, null=True, related_name="+")
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="award"
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        verbose_name = _("subsidy award")
        verbose_name_plural = _("subsidy awards")
        constraints = [
            ExclusionConstraint(
                name="a_period_is_awarded_once",
                expressions=[
                    ("version", RangeOperators.EQUAL),
                    ("beneficiary", RangeOperators.EQUAL),
                    (
                        Func("period_start", "period_end", function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=~Q(state="rejected"),
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")), name="an_award_covers_a_period"
            ),
            models.CheckConstraint(
                condition=(Q(proposed_by__isnull=True) | ~Q(approved_by_1=F("proposed_by")))
                & (Q(proposed_by__isnull=True) | ~Q(approved_by_2=F("proposed_by"))),
                name="nobody_approves_the_award_they_proposed",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_2=F("approved_by_1")),
                name="an_award_is_approved_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "paid"])
                | Q(
                    approved_by_1__isnull=False,
                    approved_by_2__isnull=False,
                    payable__isnull=False,
                ),
                name="an_approved_award_is_a_payable",
            ),
        ]
        triggers = [
            *never_deleted("subsidy_award"),
            starts_as("subsidy_award", "proposed"),
            moves_only_along("subsidy_award", moves.AWARD_MOVES),
            decided_by_the_other_side(
                "subsidy_award", "beneficiary_id", "approved_by_1_id", "approved_by_2_id"
            ),
            written_once(
                "subsidy_award",
                "version_id",
                "beneficiary_id",
                "period_start",
                "period_end",
                "amount_fen",
                "earned_id",
                "evaluation_digest",
                "proposed_by_id",
                "approved_by_1_id",
                "approved_by_2_id",
                "payable_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beneficiary} {self.period_start}"
