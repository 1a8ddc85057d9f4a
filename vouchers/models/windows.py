"""领券窗口: part of an envelope that enterprises claim, first come first served or by lottery.

The money of a window rests in two ledger accounts of its own: `remaining` (floor 0: the last fen is
sold once) and `granted` (promised to enterprises whose voucher is not made out yet).
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Account
from treasury.models import Envelope
from vouchers import moves
from vouchers.models.applications import EntitlementAnswer
from vouchers.models.programmes import PolicyVersion, Programme
from vouchers.triggers import announced_windows_stay_as_announced, answers_begin_undecided


class ClaimWindow(models.Model):
    """Drafted by one person, opened by another. Whether it takes claims now is the database's
    clock between `opens_at` and `closes_at`, never a host's."""

    class State(models.TextChoices):
        DRAFTED = "drafted", _("drafted")
        OPEN = "open", _("open")
        DRAWN = "drawn", _("drawn")
        CLOSED = "closed", _("closed")
        CANCELLED = "cancelled", _("cancelled")

    class Order(models.TextChoices):
        FIRST_COME = "first_come", _("first come, first served")
        LOTTERY = "lottery", _("lottery")

    class Admission(models.TextChoices):
        TERMS = "terms", _("whom the terms grant something")
        REGION = "region", _("every enterprise registered in the region")

    class Remainder(models.TextChoices):
        WHOLE = "whole", _("a claim is met in full or waits")
        PARTIAL = "partial", _("the last claim gets what is left")

    MOVES = moves.WINDOW_MOVES

    name = models.TextField(_("name"))
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="windows")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="windows")
    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="windows")
    order = models.TextField(_("order"), choices=Order, default=Order.FIRST_COME)
    admission = models.TextField(_("who may claim"), choices=Admission, default=Admission.TERMS)
    region_prefix = models.TextField(_("region"), blank=True, default="")
    remainder = models.TextField(_("remainder"), choices=Remainder, default=Remainder.PARTIAL)
    face_fen = models.PositiveBigIntegerField(
        _("face value (fen)"),
        null=True,
        blank=True,
        help_text=_("the most one enterprise gets; empty: what the terms grant"),
    )
    tranche_fen = models.PositiveBigIntegerField(_("tranche (fen)"))
    opens_at = models.DateTimeField(_("opens at"))
    closes_at = models.DateTimeField(_("closes at"))
    valid_until = models.DateTimeField(_("vouchers valid until"))
    seed_commitment = models.CharField(_("hash of the seed"), max_length=64, null=True, blank=True)
    seed = models.CharField(_("seed, once revealed"), max_length=64, null=True, blank=True)
    remaining = models.OneToOneField(Account, models.PROTECT, null=True, related_name="+")
    granted = models.OneToOneField(Account, models.PROTECT, null=True, related_name="+")
    places_taken = models.PositiveBigIntegerField(_("places taken"), default=0)
    last_arrival_at = models.DateTimeField(_("last arrival"), null=True, blank=True)
    state = models.TextField(_("state"), choices=State, default=State.DRAFTED)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)

    class Meta:
        verbose_name = _("claim window")
        verbose_name_plural = _("claim windows")
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")), name="a_window_is_open_for_a_time"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("closes_at")),
                name="vouchers_of_a_window_outlive_it",
            ),
            models.CheckConstraint(
                condition=Q(tranche_fen__gt=0, tranche_fen__lt=2**53),
                name="a_window_has_a_tranche",
            ),
            models.CheckConstraint(
                condition=Q(face_fen__isnull=True) | Q(face_fen__gt=0),
                name="a_window_gives_a_positive_face_value",
            ),
            models.CheckConstraint(
                condition=Q(face_fen__isnull=False) | Q(admission="terms"),
                name="without_terms_a_window_names_its_face_value",
            ),
            models.CheckConstraint(
                condition=~Q(opened_by=F("drafted_by")),
                name="nobody_opens_the_window_they_drafted",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["open", "drawn", "closed"])
                | Q(
                    opened_by__isnull=False,
                    opened_at__isnull=False,
                    remaining__isnull=False,
                    granted__isnull=False,
                ),
                name="an_open_window_is_signed_and_funded",
            ),
            models.CheckConstraint(
                condition=~Q(order="lottery", state__in=["open", "drawn", "closed"])
                | Q(seed_commitment__isnull=False),
                name="a_lottery_commits_to_its_seed_before_it_opens",
            ),
            models.CheckConstraint(
                condition=~Q(state="drawn") | Q(order="lottery", seed__isnull=False),
                name="a_drawn_window_shows_its_seed",
            ),
        ]
        triggers = [
            *never_deleted("claim_window"),
            starts_as("claim_window", "drafted"),
            moves_only_along("claim_window", moves.WINDOW_MOVES),
            announced_windows_stay_as_announced(),
            written_once(
                "claim_window",
                "programme_id",
                "envelope_id",
                "remaining_id",
                "granted_id",
                "seed_commitment",
                "seed",
                "drafted_by_id",
                "opened_by_id",
                "opened_at",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def account_code(self, part: str) -> str:
        """The ledger code of `part`: "remaining" or "granted"."""
        return f"win:{self.pk}:{part}"


class WindowSeed(models.Model):
    """The secret behind a lottery's commitment; no API shows it before the draw."""

    window = models.OneToOneField(ClaimWindow, models.PROTECT, related_name="secret")
    seed = models.CharField(_("seed"), max_length=64)

    class Meta:
        verbose_name = _("window seed")
        verbose_name_plural = _("window seeds")
        triggers = immutable("window_seed")

    def __str__(self) -> str:
        return f"{self.window_id}"


class WindowAdmission(models.Model):
    """An enterprise may claim in a window, up to an amount; decided before the rush."""

    window = models.ForeignKey(
        ClaimWindow, models.PROTECT, related_name="admissions", db_index=False
    )
    enterprise = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    basis = models.ForeignKey(EntitlementAnswer, models.PROTECT, null=True, related_name="+")
    person_id = models.BigIntegerField(_("person"), null=True)
    admitted_at = models.DateTimeField(_("admitted at"))

    class Meta:
        verbose_name = _("window admission")
        verbose_name_plural = _("window admissions")
        constraints = [
            models.UniqueConstraint(
                fields=["window", "enterprise"], name="an_enterprise_is_admitted_once_to_a_window"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, amount_fen__lt=2**53),
                name="an_admission_is_for_a_positive_amount",
            ),
        ]
        triggers = immutable("window_admission")

    def __str__(self) -> str:
        return f"{self.enterprise_id} → {self.window_id}"


class WindowAnswer(models.Model):
    """What an enterprise was answered: one answer for an enterprise and window.

    `place` is the order of serving, given by the database (or by the draw); `left_fen` is what was
    left in the window when it was this answer's turn.
    """

    class State(models.TextChoices):
        ENTERED = "entered", _("entered in the lottery")
        GRANTED = "granted", _("granted")
        ISSUED = "issued", _("voucher issued")
        WAITING = "waiting", _("on the waiting list")
        TURNED_AWAY = "turned_away", _("nothing was left")
        GIVEN_BACK = "given_back", _("given back")

    MOVES = moves.ANSWER_MOVES

    window = models.ForeignKey(ClaimWindow, models.PROTECT, related_name="answers", db_index=False)
    enterprise = models.ForeignKey(Organization, models.PROTECT, related_name="window_answers")
    person_id = models.BigIntegerField(_("person"), null=True)
    request_key = models.TextField(_("idempotency key"))
    request_hash = models.CharField(_("hash of the request"), max_length=64)
    asked_fen = models.PositiveBigIntegerField(_("asked (fen)"))
    granted_fen = models.PositiveBigIntegerField(_("granted (fen)"), null=True)
    left_fen = models.PositiveBigIntegerField(_("left at its turn (fen)"), null=True)
    place = models.PositiveBigIntegerField(_("place"), null=True)
    arrived_at = models.DateTimeField(_("arrived at"))
    decided_at = models.DateTimeField(_("decided at"), null=True)
    state = models.TextField(_("state"), choices=State)

    APPLICATION_MAY = ("SELECT", "UPDATE")  # vouchers_claim_batch writes

    class Meta:
        verbose_name = _("window answer")
        verbose_name_plural = _("window answers")
        constraints = [
            models.UniqueConstraint(
                fields=["window", "enterprise"], name="one_answer_for_an_enterprise_and_window"
            ),
            models.UniqueConstraint(
                fields=["window", "place"], name="a_place_in_a_window_is_taken_once"
            ),
            models.CheckConstraint(
                condition=Q(granted_fen__isnull=True)
                | Q(granted_fen__gt=0, granted_fen__lte=F("asked_fen")),
                name="a_grant_is_positive_and_within_what_was_asked",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["granted", "issued", "given_back"], granted_fen__isnull=False
                )
                | Q(state__in=["entered", "waiting", "turned_away"], granted_fen__isnull=True),
                name="only_a_granted_claim_has_a_grant",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["entered", "turned_away"]) | Q(place__isnull=False),
                name="who_is_served_or_waits_has_a_place",
            ),
        ]
        indexes = [
            models.Index(
                fields=["window", "place"], condition=Q(state="waiting"), name="window_waiting_list"
            ),
            models.Index(
                fields=["window", "place"], condition=Q(state="granted"), name="window_to_make_out"
            ),
        ]
        triggers = [
            *never_deleted("window_answer"),
            answers_begin_undecided(),
            moves_only_along("window_answer", moves.ANSWER_MOVES),
            written_once(
                "window_answer",
                "window_id",
                "enterprise_id",
                "person_id",
                "request_key",
                "request_hash",
                "asked_fen",
                "granted_fen",
                "place",
                "arrived_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enterprise_id} {self.state}"
