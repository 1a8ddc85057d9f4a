"""Public money earned by a rule for a period."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Account
from treasury.models import Payable, RecoveryCase
from vouchers import moves
from vouchers.models.programmes import PolicyVersion
from vouchers.triggers import awarded_without_objections, decided_by_the_other_side


class SubsidyAward(models.Model):
    """奖补: one rule, one beneficiary, one period, once. A zero is recorded with its reasons."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        HALF_APPROVED = "half_approved", _("approved by one")
        PUBLIC_NOTICE = "public_notice", _("in public notice")
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
    stages = models.JSONField(_("stages of review"), default=list)
    position = models.PositiveSmallIntegerField(_("stages passed"), default=0)
    notice_opened_at = models.DateTimeField(_("public notice since"), null=True, blank=True)
    notice_until = models.DateTimeField(_("public notice until"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True, default="")
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
                condition=~Q(state="public_notice") | Q(notice_until__isnull=False),
                name="an_award_in_notice_says_until_when",
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
            awarded_without_objections(),
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
                "notice_until",
                "proposed_by_id",
                "approved_by_1_id",
                "approved_by_2_id",
                "payable_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beneficiary} {self.period_start}"

    @property
    def stage(self) -> str | None:
        """The office whose turn it is; None outside review."""
        if self.state not in (self.State.PROPOSED, self.State.HALF_APPROVED):
            return None
        return str(self.stages[self.position]) if self.position < len(self.stages) else None


class AwardReview(models.Model):
    """One person's signature at one stage; nobody signs one award twice."""

    award = models.ForeignKey(SubsidyAward, models.PROTECT, related_name="reviews")
    position = models.PositiveSmallIntegerField(_("stage's place"))
    stage = models.TextField(_("stage"))
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(_("reviewed at"))

    class Meta:
        verbose_name = _("award review")
        verbose_name_plural = _("award reviews")
        constraints = [
            models.UniqueConstraint(
                fields=["award", "reviewer"], name="nobody_signs_one_award_twice"
            ),
            models.UniqueConstraint(
                fields=["award", "position"], name="a_stage_of_an_award_is_signed_once"
            ),
        ]
        triggers = immutable("award_review")

    def __str__(self) -> str:
        return f"{self.award_id} {self.stage}"


class AwardBasis(models.Model):
    """What an award or a correction of it was computed from, as gathered from the books.

    `document` is canonical JSON (see vouchers/rules/award_basis.py), kept as text so that its hash
    and its replay are of the same bytes.
    """

    award = models.ForeignKey(SubsidyAward, models.PROTECT, related_name="bases")
    number = models.PositiveSmallIntegerField(_("number"), help_text=_("0: the award's own"))
    document = models.TextField(_("document"))
    digest = models.CharField(_("hash of the document"), max_length=64)
    basis_fen = models.BigIntegerField(_("basis (fen)"))
    gathered_at = models.DateTimeField(_("gathered at"))

    class Meta:
        verbose_name = _("basis of an award")
        verbose_name_plural = _("bases of awards")
        constraints = [
            models.UniqueConstraint(
                fields=["award", "number"], name="a_basis_of_an_award_has_its_number"
            ),
            models.CheckConstraint(condition=Q(basis_fen__gte=0), name="a_basis_is_not_negative"),
        ]
        triggers = immutable("award_basis")

    def __str__(self) -> str:
        return f"{self.award_id}/{self.number}"


class AwardCorrection(models.Model):
    """The books changed after an award: the difference, raised and decided, never silent.

    More is owed as a payable of its own; less is asked back as a recovery. No payable is negative.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        HALF_APPROVED = "half_approved", _("approved by one")
        APPROVED = "approved", _("approved")
        PAID = "paid", _("paid")
        REJECTED = "rejected", _("rejected")
        SUPERSEDED = "superseded", _("superseded")

    MOVES = moves.CORRECTION_MOVES

    award = models.ForeignKey(SubsidyAward, models.PROTECT, related_name="corrections")
    basis = models.OneToOneField(AwardBasis, models.PROTECT, related_name="correction")
    cause = models.TextField(_("cause"))
    evaluation = models.JSONField(_("evaluation"))
    evaluation_digest = models.CharField(_("hash of the evaluation"), max_length=64)
    before_fen = models.PositiveBigIntegerField(_("earned before (fen)"))
    now_fen = models.PositiveBigIntegerField(_("earned now (fen)"))
    difference_fen = models.BigIntegerField(_("difference (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    reason = models.TextField(_("reason"), blank=True, default="")
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    approved_by_1 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_2 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="award_correction"
    )
    recoveries = models.ManyToManyField(
        RecoveryCase, verbose_name=_("recoveries"), related_name="award_corrections", blank=True
    )

    class Meta:
        verbose_name = _("correction of an award")
        verbose_name_plural = _("corrections of awards")
        constraints = [
            models.CheckConstraint(
                condition=Q(difference_fen=F("now_fen") - F("before_fen")) & ~Q(difference_fen=0),
                name="a_correction_is_the_difference",
            ),
            models.CheckConstraint(
                condition=(Q(proposed_by__isnull=True) | ~Q(approved_by_1=F("proposed_by")))
                & (Q(proposed_by__isnull=True) | ~Q(approved_by_2=F("proposed_by"))),
                name="nobody_approves_the_correction_they_proposed",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_2=F("approved_by_1")),
                name="a_correction_is_approved_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "paid"])
                | Q(approved_by_1__isnull=False, approved_by_2__isnull=False),
                name="an_approved_correction_names_its_approvers",
            ),
            models.CheckConstraint(
                condition=Q(payable__isnull=True) | Q(difference_fen__gt=0),
                name="no_payable_pays_a_negative_correction",
            ),
            models.UniqueConstraint(
                fields=["award"],
                condition=Q(state__in=["proposed", "half_approved"]),
                name="an_award_has_one_open_correction",
            ),
        ]
        triggers = [
            *never_deleted("award_correction"),
            starts_as("award_correction", "proposed"),
            moves_only_along("award_correction", moves.CORRECTION_MOVES),
            written_once(
                "award_correction",
                "award_id",
                "basis_id",
                "cause",
                "evaluation_digest",
                "before_fen",
                "now_fen",
                "difference_fen",
                "proposed_by_id",
                "approved_by_1_id",
                "approved_by_2_id",
                "payable_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.award_id}: {self.difference_fen:+d}"
