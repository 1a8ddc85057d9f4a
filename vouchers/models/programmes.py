"""Presets as published, programmes as funded, and the dated terms they run by."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from treasury.models import Envelope
from vouchers import moves
from vouchers.triggers import approved_only_after_a_trial, approved_terms_keep_their_date


class Preset(models.Model):
    """A real programme or rule as its source prints it; what the source does not say is null."""

    id = models.TextField(_("identifier"), primary_key=True)
    family = models.TextField(_("family"))
    kind = models.TextField(_("kind"))
    name_zh = models.TextField(_("name (Chinese)"))
    name_en = models.TextField(_("name (English)"))
    adcode = models.CharField(_("GB/T 2260 code"), max_length=6)
    region_zh = models.TextField(_("region"))
    evidence = models.TextField(_("evidence"))
    version_status = models.TextField(_("status of the version"))
    state = models.TextField(_("state"))
    openable = models.BooleanField(_("can be opened as it is"))
    missing = models.JSONField(_("what is missing"), default=list)
    document = models.JSONField(_("document"))

    class Meta:
        verbose_name = _("preset")
        verbose_name_plural = _("presets")
        ordering = ["adcode", "id"]

    def __str__(self) -> str:
        return self.name_zh


class Programme(models.Model):
    """A funded policy of one issuing government."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        SUSPENDED = "suspended", _("suspended")
        CLOSING = "closing", _("closing")
        CLOSED = "closed", _("closed")
        CANCELLED = "cancelled", _("cancelled")

    MOVES = moves.PROGRAMME_MOVES

    code = models.TextField(_("code"), unique=True)
    name = models.TextField(_("name"))
    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="programmes")
    preset = models.ForeignKey(Preset, models.PROTECT, null=True, blank=True)
    envelope = models.ForeignKey(
        Envelope, models.PROTECT, null=True, blank=True, related_name="programmes"
    )
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "cancelled"]) | Q(envelope__isnull=False),
                name="an_active_programme_has_an_envelope",
            )
        ]
        triggers = [
            *never_deleted("programme"),
            starts_as("programme", "draft"),
            moves_only_along("programme", moves.PROGRAMME_MOVES),
            written_once("programme", "issuer_id", "envelope_id"),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """The terms of a programme from an instant on. Approved by two others than who drafted them;
    by three when they reach back before their approval."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        HALF_APPROVED = "half_approved", _("approved by one")
        TWICE_APPROVED = "twice_approved", _("approved by two, waits for a third")
        APPROVED = "approved", _("approved")
        SUPERSEDED = "superseded", _("superseded")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES = moves.POLICY_VERSION_MOVES

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    terms = models.JSONField(_("terms"))
    terms_digest = models.CharField(_("hash of the terms"), max_length=64)
    supplied = models.JSONField(
        _("supplied by the officer"), default=list, help_text=_("pointer, value, source")
    )
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_by_1 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_2 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_3 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    retroactive = models.BooleanField(_("reaches back before its approval"), default=False)
    effective_from = models.DateTimeField(_("effective from"))
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "number"], name="a_version_is_numbered_once"
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_1=F("drafted_by"))
                & ~Q(approved_by_2=F("drafted_by"))
                & ~Q(approved_by_3=F("drafted_by")),
                name="nobody_approves_the_terms_they_drafted",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_2=F("approved_by_1")),
                name="terms_are_approved_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_3=F("approved_by_1"))
                & ~Q(approved_by_3=F("approved_by_2")),
                name="the_third_approver_is_a_third_person",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "superseded"])
                | Q(
                    approved_by_1__isnull=False,
                    approved_by_2__isnull=False,
                    approved_at__isnull=False,
                ),
                name="approved_terms_name_their_approvers",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True)
                | Q(effective_from__gte=F("approved_at"))
                | Q(retroactive=True, approved_by_3__isnull=False),
                name="terms_take_effect_after_their_approval_or_by_three",
            ),
        ]
        triggers = [
            *never_deleted("policy_version"),
            starts_as("policy_version", "draft"),
            moves_only_along("policy_version", moves.POLICY_VERSION_MOVES),
            approved_terms_keep_their_date(),
            approved_only_after_a_trial(),
            written_once(
                "policy_version",
                "programme_id",
                "number",
                "terms",
                "terms_digest",
                "drafted_by_id",
                "approved_by_1_id",
                "approved_by_2_id",
                "approved_by_3_id",
                "retroactive",
                "approved_at",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """How postings and decisions name this version."""
        return f"{self.programme.code}@{self.number}"
