"""An organization asks: what it asked, what it was told, who decided."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import (
    immutable,
    moves_only_along,
    never_deleted,
    starts_as,
    written_once,
)
from identity.models import Organization, User
from vouchers import moves
from vouchers.models.programmes import PolicyVersion, Programme
from vouchers.triggers import decided_by_the_other_side, rejections_are_heard_by_others


class EntitlementAnswer(models.Model):
    """A question asked before applying and its whole answer: replayable byte for byte."""

    enterprise = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked at"))
    evaluation = models.TextField(_("evaluation (canonical JSON)"))
    digest = models.CharField(_("hash of the evaluation"), max_length=64)
    would_change = models.JSONField(_("what would change it"), default=list)
    person_id = models.BigIntegerField(_("person"), null=True)

    class Meta:
        verbose_name = _("entitlement answer")
        verbose_name_plural = _("entitlement answers")
        triggers = immutable("entitlement_answer")

    def __str__(self) -> str:
        return f"{self.enterprise} · {self.version}"


class Application(models.Model):
    """申领. Reviewed by one person and approved by another, neither of the applicant's side."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        UNDER_REVIEW = "under_review", _("under review")
        RETURNED = "returned", _("returned for supplement")
        RECOMMENDED = "recommended", _("recommended")
        APPROVED = "approved", _("approved")
        ISSUED = "issued", _("issued")
        REJECTED = "rejected", _("rejected")
        APPEALED = "appealed", _("appealed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES = moves.APPLICATION_MOVES

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="applications")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, blank=True)
    applicant = models.ForeignKey(Organization, models.PROTECT, related_name="applications")
    facts = models.JSONField(_("facts"))
    evaluation = models.JSONField(_("evaluation"), null=True, blank=True)
    evaluation_digest = models.CharField(
        _("hash of the evaluation"), max_length=64, null=True, blank=True
    )
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"), null=True, blank=True)
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)
    reason = models.TextField(_("reason"), blank=True, default="")
    applied_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    rejected_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    heard_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", help_text=_("of the appeal")
    )
    clock_stopped_at = models.DateTimeField(_("clock stopped at"), null=True, blank=True)
    stopped_seconds = models.PositiveBigIntegerField(_("clock stood (seconds)"), default=0)
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.CheckConstraint(
                condition=~Q(reviewed_by=F("applied_by")) & ~Q(approved_by=F("applied_by")),
                name="nobody_decides_the_application_they_made",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("reviewed_by")),
                name="an_application_is_decided_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(heard_by=F("reviewed_by"))
                & ~Q(heard_by=F("approved_by"))
                & ~Q(heard_by=F("applied_by")),
                name="an_application_is_heard_by_somebody_else",
            ),
            models.CheckConstraint(
                condition=~Q(heard_by=F("rejected_by")),
                name="who_rejected_an_application_does_not_hear_its_appeal",
            ),
            models.CheckConstraint(
                condition=~Q(state="returned") | Q(clock_stopped_at__isnull=False),
                name="the_clock_stands_while_an_application_is_returned",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "issued"])
                | Q(
                    reviewed_by__isnull=False,
                    approved_by__isnull=False,
                    approved_at__isnull=False,
                    amount_fen__gt=0,
                ),
                name="an_approved_application_names_who_decided",
            ),
        ]
        triggers = [
            *never_deleted("application"),
            starts_as("application", "draft"),
            moves_only_along("application", moves.APPLICATION_MOVES),
            decided_by_the_other_side(
                "application", "applicant_id", "reviewed_by_id", "approved_by_id", "heard_by_id"
            ),
            rejections_are_heard_by_others(),
            written_once(
                "application",
                "applicant_id",
                "programme_id",
                "applied_by_id",
                "reviewed_by_id",
                "approved_by_id",
                "heard_by_id",
                "approved_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.applicant} → {self.programme}"
