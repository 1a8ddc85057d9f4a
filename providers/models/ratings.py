"""Green ratings: a pure function's result, who approved it, and everything it was computed from."""

from datetime import datetime

import pgtrigger
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import User
from providers.models.inventory import Facility

RATING_MOVES = (
    ("draft", "submitted"),
    ("submitted", "auto_checked"),
    ("submitted", "rejected"),
    ("auto_checked", "verified"),
    ("verified", "approved"),
    ("verified", "rejected"),
    ("auto_checked", "approved"),
    ("auto_checked", "rejected"),
    ("approved", "challenged"),
    ("challenged", "approved"),
    ("approved", "revoked"),
    ("challenged", "revoked"),
)


class GreenRating(models.Model):
    """The rating of a facility for a period.

    A draft is a preview for the provider. Submitted, it is computed anew by the system; what
    differs is rejected. `green_tier` is 4 (best) .. 1; null = unrated, which is not zero and is
    never approved. `valid` is set at approval and ends when the pure rating says it expires;
    expiry is a matter of time and therefore not a state (`has_expired`). A revocation takes effect
    at `revoked_from`.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        AUTO_CHECKED = "auto_checked", _("auto-checked")
        VERIFIED = "verified", _("verified by a third party")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        CHALLENGED = "challenged", _("under challenge")
        REVOKED = "revoked", _("revoked")

    MOVES = RATING_MOVES

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="ratings")
    method_version = models.TextField(_("version of the method"))
    factors_version = models.TextField(_("version of the factors"))
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    green_tier = models.PositiveSmallIntegerField(_("green tier"), null=True, blank=True)
    score = models.DecimalField(_("score"), max_digits=6, decimal_places=2, null=True, blank=True)
    score_possible = models.DecimalField(_("score still possible"), max_digits=6, decimal_places=2)
    completeness = models.DecimalField(
        _("share of the index with evidence"), max_digits=7, decimal_places=6
    )
    pue = models.DecimalField(
        _("metered PUE"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    green_share = models.DecimalField(
        _("share of on-site and direct green power"),
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
    )
    indicators = models.JSONField(_("indicators"))
    findings = models.JSONField(_("reasons, gaps and what would raise it"))
    input_digest = models.CharField(_("digest of the inputs"), max_length=64)
    output_digest = models.CharField(_("digest of the result"), max_length=64)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)
    valid = DateTimeRangeField(_("valid"), default_bounds="[)", null=True, blank=True)
    computed_at = models.DateTimeField(_("computed at"))
    computed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    verified_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    verification_statement = models.TextField(_("what the third party saw"), blank=True, default="")
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    rejection_reason = models.TextField(_("reason of the rejection"), blank=True, default="")
    revoked_from = models.DateTimeField(_("revoked from"), null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    revocation_reason = models.TextField(_("reason of the revocation"), blank=True, default="")
    sample = models.BooleanField(_("rests on sample data"), default=False)

    class Meta:
        verbose_name = _("green rating")
        verbose_name_plural = _("green ratings")
        constraints = [
            models.CheckConstraint(
                condition=Q(green_tier__isnull=True) | Q(green_tier__range=(1, 4)),
                name="a_green_tier_is_one_to_four",
            ),
            models.CheckConstraint(
                condition=Q(green_tier__isnull=True, score__isnull=True)
                | Q(green_tier__isnull=False, score__isnull=False),
                name="unrated_has_no_score",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["draft", "submitted", "auto_checked", "verified", "rejected"]
                )
                | Q(
                    green_tier__isnull=False,
                    approved_by__isnull=False,
                    valid__isnull=False,
                    valid__isempty=False,
                ),
                name="a_rating_in_force_is_rated_and_approved",
            ),
            models.CheckConstraint(
                condition=Q(computed_by__isnull=True)
                | Q(approved_by__isnull=True)
                | ~Q(computed_by=F("approved_by")),
                name="nobody_approves_a_rating_they_computed",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True)
                | (
                    ~Q(verification_statement="")
                    & Q(verified_at__isnull=False)
                    & (Q(computed_by__isnull=True) | ~Q(verified_by=F("computed_by")))
                    & (Q(approved_by__isnull=True) | ~Q(verified_by=F("approved_by")))
                ),
                name="who_computes_verifies_and_approves_are_three",
            ),
            models.CheckConstraint(
                condition=~Q(state="revoked")
                | Q(revoked_from__isnull=False, revoked_by__isnull=False),
                name="a_revocation_has_a_date_and_a_person",
            ),
            models.CheckConstraint(
                condition=Q(pue__isnull=True) | Q(pue__gte=1), name="a_pue_is_at_least_one"
            ),
        ]
        indexes = [models.Index(fields=["facility", "state"], name="rating_by_facility")]
        triggers = [
            *never_deleted("green_rating"),
            starts_as("green_rating", "draft"),
            moves_only_along("green_rating", RATING_MOVES),
            written_once(
                "green_rating",
                "facility_id",
                "method_version",
                "factors_version",
                "period",
                "green_tier",
                "score",
                "pue",
                "green_share",
                "indicators",
                "findings",
                "input_digest",
                "output_digest",
                "expires_at",
                "valid",
                "computed_by_id",
                "verified_by_id",
                "verified_at",
                "approved_by_id",
                "revoked_from",
                "revoked_by_id",
            ),
            pgtrigger.Trigger(
                name="verifier_is_not_of_the_provider",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM identity_membership m
                          JOIN providers_facility f ON f.provider_id = m.organization_id
                         WHERE f.id = NEW.facility_id
                           AND ((m.user_id = NEW.approved_by_id
                                 AND (TG_OP = 'INSERT' OR OLD.approved_by_id IS NULL))
                             OR (m.user_id = NEW.verified_by_id
                                 AND (TG_OP = 'INSERT' OR OLD.verified_by_id IS NULL)))
                    ) THEN
                        RAISE EXCEPTION 'who verifies or approves rating % belongs to the provider',
                            NEW.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_verifier_does_not_belong_to_the_provider';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility_id} {self.method_version}: {self.green_tier or '–'}"

    def has_expired(self, at: datetime) -> bool:
        """Whether it was in force and its time has run out; a revoked rating was revoked."""
        ended = self.state in (self.State.APPROVED, self.State.CHALLENGED)
        return ended and bool(self.valid) and self.valid.upper <= at


class RatingBundle(models.Model):
    """The canonical JSON a rating was computed from and of its result, byte for byte.

    docs/verify_rating.py recomputes the one from the other without this package.
    """

    rating = models.OneToOneField(GreenRating, models.PROTECT, related_name="bundle")
    input = models.TextField(_("input (canonical JSON)"))
    output = models.TextField(_("result (canonical JSON)"))

    class Meta:
        verbose_name = _("rating bundle")
        verbose_name_plural = _("rating bundles")
        triggers = immutable("rating_bundle")

    def __str__(self) -> str:
        return f"{self.rating_id}"


class RatingReminder(models.Model):
    """That a rating's end was announced `days_before`, once."""

    rating = models.ForeignKey(GreenRating, models.PROTECT, related_name="reminders")
    days_before = models.PositiveSmallIntegerField(_("days before the end"))
    sent_at = models.DateTimeField(_("sent at"))

    class Meta:
        verbose_name = _("rating reminder")
        verbose_name_plural = _("rating reminders")
        constraints = [
            models.UniqueConstraint(
                fields=["rating", "days_before"], name="an_end_is_announced_once_a_step"
            )
        ]
        triggers = immutable("rating_reminder")

    def __str__(self) -> str:
        return f"{self.rating_id} -{self.days_before}"
