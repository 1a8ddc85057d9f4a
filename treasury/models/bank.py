"""What the treasury asks its bank, and what the bank sends back without a name on it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Book
from treasury.models.batches import PayoutItem

SUSPENSE_CODE = "susp:bank_return"


class BankEnquiry(models.Model):
    """A question to the bank about a payment whose outcome is unknown; never a second payment."""

    item = models.ForeignKey(PayoutItem, models.PROTECT, related_name="enquiries")
    question = models.TextField(_("question"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked at"))
    answer = models.TextField(_("answer"), null=True, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("bank enquiry")
        verbose_name_plural = _("bank enquiries")
        constraints = [
            models.UniqueConstraint(
                fields=["item"],
                condition=Q(answered_at__isnull=True),
                name="a_payment_has_one_open_enquiry",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True)
                | Q(answer__isnull=False, answered_by__isnull=False),
                name="an_answered_enquiry_says_what_and_by_whom",
            ),
        ]
        triggers = [
            *never_deleted("bank_enquiry"),
            written_once(
                "bank_enquiry", "item_id", "question", "asked_by_id", "answer", "answered_by_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.question[:40]}"


SUSPENSE_MOVES = (("unidentified", "identified"), ("unidentified", "handed_over"))


class SuspenseEntry(models.Model):
    """Money the bank returned without saying for which payment. Nothing may rest here at a close.

    Identified by somebody else than who booked it: either as a payment of ours, which is then
    returned, or handed over to whom it belongs.
    """

    class State(models.TextChoices):
        UNIDENTIFIED = "unidentified", _("unidentified")
        IDENTIFIED = "identified", _("identified as one of our payments")
        HANDED_OVER = "handed_over", _("handed over to its owner")

    MOVES = SUSPENSE_MOVES

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="suspense_entries")
    book = models.ForeignKey(Book, models.PROTECT, related_name="suspense_entries")
    bank_reference = models.TextField(_("bank's reference"))
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    note = models.TextField(_("what the bank says"), blank=True, default="")
    state = models.TextField(_("state"), choices=State, default=State.UNIDENTIFIED)
    booked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    booked_at = models.DateTimeField(_("booked at"))
    item = models.ForeignKey(
        PayoutItem, models.PROTECT, null=True, blank=True, related_name="suspense_entries"
    )
    explanation = models.TextField(_("explanation"), null=True, blank=True)
    cleared_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    cleared_at = models.DateTimeField(_("cleared at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("suspense entry")
        verbose_name_plural = _("suspense entries")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "bank_reference"], name="a_bank_return_is_suspended_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & Q(amount_fen__lt=2**53),
                name="a_suspended_return_is_a_positive_amount",
            ),
            models.CheckConstraint(
                condition=~Q(cleared_by=F("booked_by")),
                name="nobody_clears_the_return_they_booked",
            ),
            models.CheckConstraint(
                condition=Q(state="unidentified")
                | Q(cleared_by__isnull=False, explanation__isnull=False),
                name="a_cleared_return_says_by_whom_and_why",
            ),
            models.CheckConstraint(
                condition=Q(state="identified", item__isnull=False)
                | (~Q(state="identified") & Q(item__isnull=True)),
                name="an_identified_return_names_its_payment",
            ),
        ]
        triggers = [
            *never_deleted("suspense_entry"),
            starts_as("suspense_entry", "unidentified"),
            moves_only_along("suspense_entry", SUSPENSE_MOVES),
            written_once(
                "suspense_entry",
                "issuer_id",
                "book_id",
                "bank_reference",
                "amount_fen",
                "booked_by_id",
                "item_id",
                "explanation",
                "cleared_by_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bank_reference} {self.amount_fen}"
