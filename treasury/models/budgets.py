"""Where public money comes from and the budgets it is put into."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Book, Transfer
from treasury.triggers import (
    ENVELOPES_ISSUER,
    appropriates_before_opening,
    closes_with_nothing_in_suspense,
    no_loan_restores_a_conflict,
)


class FundingSource(models.Model):
    """Where an appropriation comes from: a level of government and a budget line."""

    class Level(models.TextChoices):
        CENTRAL = "central", _("central")
        PROVINCE = "province", _("province")
        CITY = "city", _("city")
        DISTRICT = "district", _("district or county")

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="funding_sources")
    name = models.TextField(_("name"))
    level = models.TextField(_("level"), choices=Level)

    class Meta:
        verbose_name = _("funding source")
        verbose_name_plural = _("funding sources")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "name"], name="a_funding_source_is_named_once"
            )
        ]
        triggers = never_deleted("funding_source")

    def __str__(self) -> str:
        return self.name


ENVELOPE_MOVES = (
    ("drafted", "appropriated"),
    ("appropriated", "open"),
    ("open", "frozen"),
    ("frozen", "open"),
    ("open", "closing"),
    ("frozen", "closing"),
    ("closing", "closed"),
)


class Envelope(models.Model):
    """A budget of one issuer and year. `exhausted` is derived (available = 0), never stored."""

    class State(models.TextChoices):
        DRAFTED = "drafted", _("drafted")
        APPROPRIATED = "appropriated", _("appropriated")
        OPEN = "open", _("open")
        FROZEN = "frozen", _("frozen")
        CLOSING = "closing", _("closing")
        CLOSED = "closed", _("closed")

    MOVES = ENVELOPE_MOVES

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="envelopes")
    book = models.ForeignKey(Book, models.PROTECT, related_name="envelopes")
    name = models.TextField(_("name"))
    programme_code = models.TextField(_("programme code"))
    state = models.TextField(_("state"), choices=State, default=State.DRAFTED)
    in_tranches = models.BooleanField(_("released in tranches"), default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("envelope")
        verbose_name_plural = _("envelopes")
        constraints = [
            models.UniqueConstraint(
                fields=["book", "programme_code", "name"], name="an_envelope_is_named_once_a_year"
            )
        ]
        triggers = [
            *never_deleted("envelope"),
            starts_as("envelope", "drafted"),
            moves_only_along("envelope", ENVELOPE_MOVES),
            written_once("envelope", "issuer_id", "book_id", "in_tranches", "created_by_id"),
            closes_with_nothing_in_suspense(),
        ]

    def __str__(self) -> str:
        return self.name

    def account_code(self, part: str) -> str:
        """The ledger code of `part`: "unreleased", "available" or "committed"."""
        return f"env:{self.pk}:{part}"

    @property
    def entrance_code(self) -> str:
        """Where money enters: to be released in tranches, or available at once."""
        return self.account_code("unreleased" if self.in_tranches else "available")

    @property
    def lapse_code(self) -> str:
        """The ledger code where expired and voided value of this envelope rests."""
        return f"lapse:{self.pk}"


APPROPRIATION_MOVES = (("proposed", "approved"), ("proposed", "rejected"))


class Appropriation(models.Model):
    """Money put into an envelope, or cut from it; proposed by one person, approved by another."""

    class Kind(models.TextChoices):
        APPROPRIATE = "appropriate", _("appropriation")
        CUT = "cut", _("cut")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    MOVES = APPROPRIATION_MOVES

    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="appropriations")
    funding_source = models.ForeignKey(FundingSource, models.PROTECT, related_name="appropriations")
    kind = models.TextField(_("kind"), choices=Kind, default=Kind.APPROPRIATE)
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    transfer = models.OneToOneField(
        Transfer, models.PROTECT, null=True, blank=True, related_name="appropriation"
    )
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("appropriation")
        verbose_name_plural = _("appropriations")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & Q(amount_fen__lt=2**53),
                name="an_appropriation_is_a_positive_amount",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("proposed_by")),
                name="nobody_approves_their_own_appropriation",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved")
                | Q(approved_by__isnull=False, transfer__isnull=False),
                name="an_approved_appropriation_is_signed_and_posted",
            ),
        ]
        triggers: list[pgtrigger.Trigger] = [
            *never_deleted("appropriation"),
            starts_as("appropriation", "proposed"),
            moves_only_along("appropriation", APPROPRIATION_MOVES),
            written_once(
                "appropriation",
                "envelope_id",
                "funding_source_id",
                "kind",
                "amount_fen",
                "proposed_by_id",
                "approved_by_id",
                "transfer_id",
            ),
            appropriates_before_opening(),
            no_loan_restores_a_conflict(
                "appropriation",
                "proposed_by_id",
                "approved_by_id",
                issuer=ENVELOPES_ISSUER,
                roles=("budget_officer", "finance_reviewer"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_fen} → {self.envelope_id}"
