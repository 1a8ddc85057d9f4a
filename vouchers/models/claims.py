"""兑付: paid first, claimed back with evidence; who reviewed it, and who objected."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Account
from treasury.models import Payable
from vouchers import moves
from vouchers.models.programmes import PolicyVersion, Programme
from vouchers.triggers import (
    approved_after_review_and_notice,
    evidence_stays_as_handed_in,
    reviewed_by_the_other_side,
)


class Claim(models.Model):
    """A claim on one contract. Its amount is computed from evidence, never typed."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        AUTO_VERIFIED = "auto_verified", _("checked automatically")
        IN_REVIEW = "in_review", _("in review")
        RETURNED = "returned", _("returned for supplement")
        PUBLIC_NOTICE = "public_notice", _("in public notice")
        APPROVED = "approved", _("approved")
        PAID = "paid", _("paid")
        REJECTED = "rejected", _("rejected")
        APPEALED = "appealed", _("appealed")
        ON_HOLD = "on_hold", _("on hold")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES = moves.CLAIM_MOVES

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="claims")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    claimant = models.ForeignKey(Organization, models.PROTECT, related_name="claims")
    claimed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    seller_uscc = models.CharField(_("provider's USCC"), max_length=18)
    basis = models.TextField(_("basis"), help_text=_("the amount the terms compute from"))
    stated = models.JSONField(_("facts stated by the claimant"), default=dict)
    checks = models.JSONField(_("automatic checks"), default=list)
    evaluation = models.JSONField(_("evaluation"))
    evaluation_digest = models.CharField(_("hash of the evaluation"), max_length=64)
    substantiated_fen = models.PositiveBigIntegerField(_("what the evidence supports (fen)"))
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    stages = models.JSONField(_("review stages"))
    position = models.PositiveSmallIntegerField(_("stage reached"), default=0)
    round = models.PositiveSmallIntegerField(_("round of review"), default=1)
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)
    held_from = models.TextField(_("state before the hold"), blank=True, default="")
    reason = models.TextField(_("reason"), blank=True, default="")
    submitted_at = models.DateTimeField(_("submitted at"))
    clock_stopped_at = models.DateTimeField(_("clock stopped at"), null=True, blank=True)
    stopped_seconds = models.PositiveBigIntegerField(_("seconds the clock stood"), default=0)
    notice_opened_at = models.DateTimeField(_("public notice opened at"), null=True, blank=True)
    notice_until = models.DateTimeField(_("public notice ends at"), null=True, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    earned = models.OneToOneField(Account, models.PROTECT, null=True, blank=True, related_name="+")
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="claim"
    )

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lte=F("substantiated_fen")),
                name="a_claim_is_never_above_its_evidence",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "paid"])
                | Q(
                    payable__isnull=False,
                    earned__isnull=False,
                    approved_at__isnull=False,
                    notice_until__isnull=False,
                ),
                name="an_approved_claim_is_a_payable",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["returned", "on_hold"]) ^ Q(clock_stopped_at__isnull=True),
                name="the_clock_stands_while_a_claim_waits_for_others",
            ),
        ]
        triggers = [
            *never_deleted("claim"),
            starts_as("claim", "draft"),
            moves_only_along("claim", moves.CLAIM_MOVES),
            approved_after_review_and_notice(),
            written_once(
                "claim",
                "programme_id",
                "version_id",
                "claimant_id",
                "claimed_by_id",
                "stages",
                "submitted_at",
                "earned_id",
                "payable_id",
                "approved_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claimant} → {self.programme} #{self.pk}"

    @property
    def stage(self) -> str | None:
        """The office whose turn it is."""
        if self.state != self.State.IN_REVIEW or self.position >= len(self.stages):
            return None
        return str(self.stages[self.position])


class ClaimEvidence(models.Model):
    """One real thing that supports a claim. The same thing supports no other, anywhere."""

    class Kind(models.TextChoices):
        CONTRACT = "contract", _("contract")
        INVOICE = "invoice", _("e-invoice")
        PAYMENT = "payment", _("payment proof")
        USAGE = "usage", _("usage record")

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="evidence")
    kind = models.TextField(_("kind"), choices=Kind)
    number = models.TextField(_("number"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    document_digest = models.CharField(_("SHA-256 of the document"), max_length=64)
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    dated_on = models.DateField(_("dated"))
    starts_on = models.DateField(_("first day"), null=True, blank=True)
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    standing = models.BooleanField(_("supports a claim that stands"), default=True)

    class Meta:
        verbose_name = _("claim evidence")
        verbose_name_plural = _("claim evidence")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "fingerprint"],
                condition=Q(standing=True),
                name="no_evidence_supports_two_claims",
            ),
            models.UniqueConstraint(
                fields=["kind", "document_digest"],
                condition=Q(standing=True),
                name="no_document_supports_two_claims",
            ),
            models.CheckConstraint(
                condition=~Q(kind="invoice") | Q(number__regex=r"^[0-9]{20}$"),
                name="an_e_invoice_number_has_twenty_digits",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="evidence_ends_after_it_starts",
            ),
        ]
        triggers = [*never_deleted("claim_evidence"), evidence_stays_as_handed_in()]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"


class ClaimReview(models.Model):
    """One person's answer at one stage; nobody answers twice for one claim, appeals included."""

    class Outcome(models.TextChoices):
        PASSED = "passed", _("passed")
        REJECTED = "rejected", _("rejected")
        APPEAL_ADMITTED = "appeal_admitted", _("appeal admitted")
        APPEAL_DISMISSED = "appeal_dismissed", _("appeal dismissed")

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="reviews")
    round = models.PositiveSmallIntegerField(_("round of review"))
    stage = models.TextField(_("stage"))
    outcome = models.TextField(_("outcome"), choices=Outcome)
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="+")
    note = models.TextField(_("note"), blank=True, default="")
    reviewed_at = models.DateTimeField(_("reviewed at"))

    class Meta:
        verbose_name = _("claim review")
        verbose_name_plural = _("claim reviews")
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "reviewer"], name="nobody_answers_twice_for_one_claim"
            ),
            models.UniqueConstraint(
                fields=["claim", "round", "stage"], name="a_stage_answers_once_a_round"
            ),
        ]
        triggers = [*immutable("claim_review"), reviewed_by_the_other_side()]

    def __str__(self) -> str:
        return f"{self.stage}: {self.outcome}"
