"""Payout batches under four eyes (six, in fact), their items, and the bank's files."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Book
from treasury.models.payables import BankAccount, Payable
from treasury.triggers import (
    freezes_exactly_its_items,
    leaves_no_loose_ends,
    pays_an_approved_payable,
    signs_a_batch,
)

UNSIGNED = ["draft", "frozen", "rejected"]

PAYOUT_BATCH_MOVES = (
    ("draft", "frozen"),
    ("frozen", "approved_1"),
    ("approved_1", "approved_2"),
    ("approved_2", "exported"),
    ("exported", "sent"),
    ("exported", "recalled"),
    ("sent", "confirmed"),
    ("sent", "partially_confirmed"),
    ("partially_confirmed", "confirmed"),
    ("confirmed", "reconciled"),
    ("partially_confirmed", "reconciled"),
    ("reconciled", "closed"),
    ("draft", "rejected"),
    ("frozen", "rejected"),
    ("approved_1", "rejected"),
    ("approved_2", "rejected"),
)


class PayoutBatch(models.Model):
    """A frozen list of payments. Maker, checker and releaser are three people.

    `lineage` is the id of the first version when this batch replaces a rejected one.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        FROZEN = "frozen", _("frozen")
        APPROVED_1 = "approved_1", _("checked")
        APPROVED_2 = "approved_2", _("released for payment")
        EXPORTED = "exported", _("exported")
        SENT = "sent", _("sent")
        CONFIRMED = "confirmed", _("confirmed")
        PARTIALLY_CONFIRMED = "partially_confirmed", _("partially confirmed")
        RECONCILED = "reconciled", _("reconciled")
        CLOSED = "closed", _("closed")
        REJECTED = "rejected", _("rejected")
        RECALLED = "recalled", _("recalled")

    MOVES = PAYOUT_BATCH_MOVES

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="payout_batches")
    book = models.ForeignKey(Book, models.PROTECT, related_name="payout_batches")
    lineage = models.BigIntegerField(_("first version"), null=True, blank=True)
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(_("made at"))
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    released_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    cut_off_at = models.DateTimeField(_("may be recalled before"), null=True, blank=True)
    recalled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    recalled_at = models.DateTimeField(_("recalled at"), null=True, blank=True)
    control_total_fen = models.BigIntegerField(_("control total (fen)"), null=True, blank=True)
    item_count = models.PositiveIntegerField(_("items"), null=True, blank=True)
    content_hash = models.CharField(_("hash of the items"), max_length=64, null=True, blank=True)

    class Meta:
        verbose_name = _("payout batch")
        verbose_name_plural = _("payout batches")
        constraints = [
            models.CheckConstraint(
                condition=~Q(checked_by=F("made_by"))
                & ~Q(released_by=F("made_by"))
                & ~Q(released_by=F("checked_by")),
                name="maker_checker_and_releaser_are_three_people",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "rejected"])
                | Q(
                    control_total_fen__isnull=False,
                    item_count__isnull=False,
                    content_hash__isnull=False,
                    control_total_fen__gt=0,
                    item_count__gt=0,
                    content_hash__regex=r"^[0-9a-f]{64}$",
                ),
                name="a_frozen_batch_has_total_count_and_hash",
            ),
            models.CheckConstraint(
                condition=Q(state__in=UNSIGNED) | Q(checked_by__isnull=False),
                name="a_checked_batch_names_its_checker",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[*UNSIGNED, "approved_1"]) | Q(released_by__isnull=False),
                name="a_released_batch_names_its_releaser",
            ),
            models.CheckConstraint(
                condition=~Q(state="recalled")
                | Q(recalled_by__isnull=False, recalled_at__lt=F("cut_off_at")),
                name="a_batch_is_recalled_before_its_cut_off",
            ),
        ]
        triggers = [
            *never_deleted("payout_batch"),
            starts_as("payout_batch", "draft"),
            moves_only_along("payout_batch", PAYOUT_BATCH_MOVES),
            written_once(
                "payout_batch",
                "issuer_id",
                "book_id",
                "lineage",
                "made_by_id",
                "checked_by_id",
                "released_by_id",
                "cut_off_at",
                "recalled_by_id",
                "control_total_fen",
                "item_count",
                "content_hash",
            ),
            freezes_exactly_its_items(),
            leaves_no_loose_ends(),
            signs_a_batch(),
        ]

    def __str__(self) -> str:
        return f"{self.book_id}/{self.pk}"

    @property
    def message_id(self) -> str:
        """What ISO 20022 files call this batch, and what the bank's report calls it back."""
        return f"SQ{self.pk:08d}"

    def account_code(self, part: str) -> str:
        """The ledger code of `part`: "in_transit" or "paid"."""
        return f"treasury:{self.pk}:{part}"


class Signature(models.Model):
    """Who did what to a batch over all of its versions. Written by a trigger, never edited.

    A person who made one version may not check or release a later one, whatever role they hold or
    are lent by then.
    """

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="signatures")
    lineage = models.BigIntegerField(_("first version"))
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    act = models.TextField(_("act"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        constraints = [
            ExclusionConstraint(
                name="nobody_changes_hats_on_a_batch",
                expressions=[
                    ("lineage", RangeOperators.EQUAL),
                    ("person", RangeOperators.EQUAL),
                    ("act", RangeOperators.NOT_EQUAL),
                ],
            )
        ]
        triggers = immutable("signature")

    def __str__(self) -> str:
        return f"{self.act} {self.batch_id}"


PAYOUT_ITEM_MOVES = (
    ("queued", "sent"),
    ("queued", "withdrawn"),
    ("sent", "paid"),
    ("sent", "returned"),
    ("sent", "unknown"),
    ("paid", "returned"),
    ("unknown", "paid"),
    ("unknown", "returned"),
    ("returned", "reissued"),
)


class PayoutItem(models.Model):
    """One payment of one payable into one verified account."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        PAID = "paid", _("paid")
        RETURNED = "returned", _("returned by the bank")
        UNKNOWN = "unknown", _("unknown to the bank")
        REISSUED = "reissued", _("reissued")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES = PAYOUT_ITEM_MOVES

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="items")
    position = models.PositiveIntegerField(_("position"))
    payable = models.ForeignKey(Payable, models.PROTECT, related_name="items")
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="items")
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.QUEUED)
    reissues = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reissued_as"
    )
    bank_code = models.TextField(_("bank's code"), null=True, blank=True)
    bank_reference = models.TextField(_("bank's reference"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payout item")
        verbose_name_plural = _("payout items")
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "position"], name="a_position_in_a_batch_is_taken_once"
            ),
            models.UniqueConstraint(
                fields=["payable"],
                condition=Q(state__in=["queued", "sent", "unknown", "paid"]),
                name="a_payable_is_in_one_payout_at_a_time",
            ),
        ]
        triggers = [
            *never_deleted("payout_item"),
            starts_as("payout_item", "queued"),
            moves_only_along("payout_item", PAYOUT_ITEM_MOVES),
            written_once(
                "payout_item",
                "batch_id",
                "position",
                "payable_id",
                "bank_account_id",
                "amount_fen",
                "reissues_id",
            ),
            pays_an_approved_payable(),
        ]

    def __str__(self) -> str:
        return self.end_to_end_id

    @property
    def end_to_end_id(self) -> str:
        """What the bank file calls this payment, and what the bank's answer calls it back."""
        return f"SQ{self.batch_id:08d}-{self.position:05d}"


class BankFile(models.Model):
    """A file as it went to the bank or came back, byte for byte."""

    class Direction(models.TextChoices):
        OUT = "out", _("to the bank")
        IN = "in", _("from the bank")

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="bank_files")
    direction = models.TextField(_("direction"), choices=Direction)
    format = models.TextField(_("format"))
    content = models.TextField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "format"],
                condition=Q(direction="out"),
                name="a_batch_is_exported_once_in_a_format",
            ),
            models.UniqueConstraint(
                fields=["batch", "sha256"],
                condition=Q(direction="in"),
                name="a_bank_answer_is_read_once",
            ),
        ]
        triggers = immutable("bank_file")

    def __str__(self) -> str:
        return f"{self.direction} {self.format} {self.sha256[:12]}"
