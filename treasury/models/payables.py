"""What the treasury owes, to whom, and into which account it is paid."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Account, Book, Transfer
from treasury.models.budgets import Envelope
from treasury.triggers import keeps_what_receipts_say, no_loan_restores_a_conflict

# A leading = + - @ would be run as a formula by the spreadsheet a payment file is opened in.
plain_text = RegexValidator(r"^[^=+\-@\s]", _("Begin with a letter, a digit or a Chinese word."))

BANK_ACCOUNT_MOVES = (
    ("unverified", "verified"),
    ("unverified", "retired"),
    ("verified", "retired"),
)


class BankAccount(models.Model):
    """An organization's account; entered by one person, verified by another, never edited."""

    class State(models.TextChoices):
        UNVERIFIED = "unverified", _("unverified")
        VERIFIED = "verified", _("verified")
        RETIRED = "retired", _("retired")

    MOVES = BANK_ACCOUNT_MOVES

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="bank_accounts")
    name = models.TextField(_("account name"), validators=[plain_text])
    number = models.TextField(
        _("account number"), validators=[RegexValidator(r"^[0-9]{8,32}$", _("8 to 32 digits."))]
    )
    bank = models.TextField(_("bank"), validators=[plain_text])
    cnaps = models.CharField(
        _("bank's CNAPS code"),
        max_length=12,
        null=True,
        blank=True,
        validators=[RegexValidator(r"^[0-9]{12}$", _("12 digits."))],
    )
    state = models.TextField(_("state"), choices=State, default=State.UNVERIFIED)
    added_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    added_at = models.DateTimeField(_("added at"))
    verified_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)

    class Meta:
        verbose_name = _("bank account")
        verbose_name_plural = _("bank accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state="verified"),
                name="an_organization_is_paid_into_one_account",
            ),
            models.CheckConstraint(
                condition=~Q(verified_by=F("added_by")),
                name="nobody_verifies_the_account_they_added",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_by__isnull=False),
                name="a_verified_account_names_its_verifier",
            ),
            models.CheckConstraint(
                condition=Q(cnaps__isnull=True) | Q(cnaps__regex=r"^[0-9]{12}$"),
                name="a_cnaps_code_has_twelve_digits",
            ),
        ]
        triggers = [
            *never_deleted("bank_account"),
            starts_as("bank_account", "unverified"),
            moves_only_along("bank_account", BANK_ACCOUNT_MOVES),
            written_once(
                "bank_account",
                "organization_id",
                "name",
                "number",
                "bank",
                "cnaps",
                "added_by_id",
                "verified_by_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


PAYABLE_MOVES = (
    ("proposed", "half_approved"),
    ("half_approved", "approved"),
    ("approved", "in_batch"),
    ("in_batch", "approved"),
    ("in_batch", "paid"),
    ("paid", "approved"),
    ("approved", "offset"),
    ("proposed", "rejected"),
    ("half_approved", "rejected"),
)


class Payable(models.Model):
    """Money owed for one reason (I7): two people approve it, neither of whom proposed it.

    Until the second approval the value stays in `source_account`; then it rests in
    `pay:{payee}:payable` until a payout batch carries it away.
    """

    class Kind(models.TextChoices):
        VOUCHER_REDEMPTION = "voucher_redemption", _("voucher redemption")
        SUBSIDY_AWARD = "subsidy_award", _("subsidy award")
        CLAIM = "claim", _("claim")
        REGION_CLEARING = "region_clearing", _("clearing between regions")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        HALF_APPROVED = "half_approved", _("approved by one")
        APPROVED = "approved", _("approved")
        IN_BATCH = "in_batch", _("in a payout batch")
        PAID = "paid", _("paid")
        OFFSET = "offset", _("wholly offset")
        REJECTED = "rejected", _("rejected")

    MOVES = PAYABLE_MOVES

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="payables_issued")
    payee = models.ForeignKey(Organization, models.PROTECT, related_name="payables")
    envelope = models.ForeignKey(
        Envelope, models.PROTECT, null=True, blank=True, related_name="payables"
    )
    book = models.ForeignKey(Book, models.PROTECT, related_name="payables")
    kind = models.TextField(_("kind"), choices=Kind)
    reference = models.TextField(_("reference"))
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    offset_fen = models.BigIntegerField(
        _("kept for a recovery (fen)"),
        default=0,
        help_text=_("Kept from this payable for what its payee owes us; never more than itself."),
    )
    source_account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    policy_version = models.TextField(_("policy version"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    approved_by_1 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_2 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    transfer = models.OneToOneField(
        Transfer, models.PROTECT, null=True, blank=True, related_name="payable"
    )

    class Meta:
        verbose_name = _("payable")
        verbose_name_plural = _("payables")
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="one_reason_is_paid_once"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & Q(amount_fen__lt=2**53),
                name="a_payable_is_a_positive_amount",
            ),
            models.CheckConstraint(
                condition=Q(offset_fen__gte=0) & Q(offset_fen__lte=F("amount_fen")),
                name="a_payable_is_never_negative",
            ),
            models.CheckConstraint(
                condition=Q(state="offset", offset_fen=F("amount_fen"))
                | (~Q(state="offset") & Q(offset_fen__lt=F("amount_fen"))),
                name="a_payable_wholly_offset_is_not_paid",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_1=F("proposed_by"))
                & ~Q(approved_by_2=F("proposed_by"))
                & ~Q(approved_by_2=F("approved_by_1")),
                name="a_payable_is_signed_by_three_people",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "rejected"]) | Q(approved_by_1__isnull=False),
                name="a_half_approved_payable_names_its_approver",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "half_approved", "rejected"])
                | Q(approved_by_2__isnull=False, transfer__isnull=False),
                name="an_approved_payable_is_signed_twice_and_posted",
            ),
        ]
        indexes = [models.Index(fields=["issuer", "state"], name="payable_by_state")]
        triggers = [
            *never_deleted("payable"),
            starts_as("payable", "proposed"),
            moves_only_along("payable", PAYABLE_MOVES),
            written_once(
                "payable",
                "issuer_id",
                "payee_id",
                "envelope_id",
                "book_id",
                "kind",
                "reference",
                "amount_fen",
                "source_account_id",
                "policy_version",
                "proposed_by_id",
                "approved_by_1_id",
                "approved_by_2_id",
                "transfer_id",
            ),
            keeps_what_receipts_say(),
            no_loan_restores_a_conflict(
                "payable",
                "proposed_by_id",
                "approved_by_1_id",
                "approved_by_2_id",
                issuer="NEW.issuer_id",
                roles=("finance_reviewer",),
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def due_fen(self) -> int:
        """What is left to pay."""
        return self.amount_fen - self.offset_fen

    @property
    def account_code(self) -> str:
        """The ledger code where approved value waits for payout."""
        return f"pay:{self.payee_id}:payable"
