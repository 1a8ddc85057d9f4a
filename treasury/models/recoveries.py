"""Recovery (追回): public money that was paid and must come back, followed to its last fen.

Where the money is (per case, in its book; floors are 0 except at the end named `claimed`):
`claw:{case}:claimed → :receivable` when the demand is issued; a cash receipt moves
`receivable → recovered`; an offset moves `pay:{debtor}:payable → recovered` and
`receivable → claimed`; a write-off moves `receivable → written_off`. No interest is charged.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Book, Transfer
from treasury.models.payables import Payable
from treasury.models.proposals import Proposal, moves_when_signed, signed_by_three
from treasury.triggers import CASES_ISSUER, claims_no_more_than_was_paid

RECOVERY_MOVES = (
    ("opened", "notice_served"),
    ("notice_served", "contested"),
    ("notice_served", "demand_issued"),
    ("contested", "decided"),
    ("decided", "dismissed"),
    ("decided", "demand_issued"),
    ("demand_issued", "recovering"),
    ("demand_issued", "litigated"),
    ("recovering", "litigated"),
    ("litigated", "recovering"),
    ("recovering", "recovered"),
    ("recovering", "written_off"),
)
DEMANDED = ["demand_issued", "recovering", "recovered", "written_off", "litigated"]


class RecoveryCase(models.Model):
    """One paid payable, wholly or partly to be given back."""

    class State(models.TextChoices):
        OPENED = "opened", _("opened")
        NOTICE_SERVED = "notice_served", _("notice served")
        CONTESTED = "contested", _("contested")
        DECIDED = "decided", _("decided")
        DISMISSED = "dismissed", _("dismissed")
        DEMAND_ISSUED = "demand_issued", _("demand issued")
        RECOVERING = "recovering", _("being recovered")
        RECOVERED = "recovered", _("recovered")
        WRITTEN_OFF = "written_off", _("written off")
        LITIGATED = "litigated", _("in court")

    class Cause(models.TextChoices):
        FRAUD = "fraud", _("fraud")
        OVERPAID = "overpaid", _("paid too much")
        BREACH = "breach", _("terms not kept")
        RATING_REVOKED = "rating_revoked", _("rating revoked")

    MOVES = RECOVERY_MOVES

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="recovery_cases")
    payable = models.ForeignKey(Payable, models.PROTECT, related_name="recovery_cases")
    book = models.ForeignKey(Book, models.PROTECT, related_name="recovery_cases")
    original_debtor = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    debtor = models.ForeignKey(Organization, models.PROTECT, related_name="recoveries")
    cause = models.TextField(_("cause"), choices=Cause)
    finding = models.TextField(_("finding"))
    claimed_fen = models.BigIntegerField(_("claimed (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.OPENED)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(_("opened at"))
    served_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    served_at = models.DateTimeField(_("notice served at"), null=True, blank=True)
    contest_by_at = models.DateTimeField(_("to be contested before"), null=True, blank=True)
    contested_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    contested_at = models.DateTimeField(_("contested at"), null=True, blank=True)
    contest = models.TextField(_("contest"), null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision = models.TextField(_("decision"), null=True, blank=True)
    upheld_fen = models.BigIntegerField(_("upheld (fen)"), null=True, blank=True)
    demanded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    demanded_at = models.DateTimeField(_("demanded at"), null=True, blank=True)
    demanded_fen = models.BigIntegerField(_("demanded (fen)"), null=True, blank=True)
    due_date = models.DateField(_("due on"), null=True, blank=True)
    transfer = models.OneToOneField(
        Transfer, models.PROTECT, null=True, blank=True, related_name="recovery_case"
    )
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("recovery case")
        verbose_name_plural = _("recovery cases")
        constraints = [
            models.CheckConstraint(
                condition=Q(claimed_fen__gt=0) & Q(claimed_fen__lt=2**53),
                name="a_recovery_claims_a_positive_amount",
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("opened_by")) & ~Q(demanded_by=F("opened_by")),
                name="who_opens_a_recovery_does_not_decide_or_demand_it",
            ),
            models.CheckConstraint(
                condition=Q(upheld_fen__isnull=True)
                | Q(upheld_fen__gte=0, upheld_fen__lte=F("claimed_fen")),
                name="a_decision_upholds_no_more_than_was_claimed",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=DEMANDED)
                | Q(
                    demanded_by__isnull=False,
                    demanded_at__isnull=False,
                    demanded_fen__gt=0,
                    transfer__isnull=False,
                ),
                name="a_demand_is_signed_and_posted",
            ),
            models.CheckConstraint(
                condition=Q(demanded_fen__isnull=True)
                | Q(upheld_fen__isnull=False, demanded_fen=F("upheld_fen"))
                | Q(upheld_fen__isnull=True, demanded_fen=F("claimed_fen")),
                name="a_demand_is_for_what_was_upheld",
            ),
            models.CheckConstraint(
                condition=Q(demanded_at__isnull=True)
                | Q(decided_at__isnull=False)
                | Q(demanded_at__gte=F("contest_by_at")),
                name="a_demand_waits_for_the_contest",
            ),
            models.CheckConstraint(
                condition=Q(contested_at__isnull=True)
                | Q(contested_at__lt=F("contest_by_at"), contest__isnull=False),
                name="a_notice_is_contested_before_its_deadline",
            ),
        ]
        indexes = [models.Index(fields=["issuer", "state"], name="recovery_by_state")]
        triggers = [
            *never_deleted("recovery_case"),
            starts_as("recovery_case", "opened"),
            moves_only_along("recovery_case", RECOVERY_MOVES),
            written_once(
                "recovery_case",
                "issuer_id",
                "payable_id",
                "book_id",
                "original_debtor_id",
                "cause",
                "finding",
                "claimed_fen",
                "opened_by_id",
                "served_by_id",
                "contest_by_at",
                "contested_by_id",
                "contest",
                "decided_by_id",
                "decision",
                "upheld_fen",
                "demanded_by_id",
                "demanded_at",
                "demanded_fen",
                "transfer_id",
            ),
            claims_no_more_than_was_paid(),
        ]

    def __str__(self) -> str:
        return f"{self.pk} · {self.payable_id}"

    def account_code(self, part: str) -> str:
        """The code of `part`: "claimed" (an end), "receivable", "recovered" or "written_off"."""
        return f"claw:{self.pk}:{part}"


class RecoveryReceipt(models.Model):
    """Money that came back: in cash, or kept from something we owed."""

    class Kind(models.TextChoices):
        CASH = "cash", _("cash")
        OFFSET = "offset", _("offset against a payable")

    case = models.ForeignKey(RecoveryCase, models.PROTECT, related_name="receipts")
    kind = models.TextField(_("kind"), choices=Kind)
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    payable = models.ForeignKey(
        Payable, models.PROTECT, null=True, blank=True, related_name="offsets"
    )
    bank_reference = models.TextField(_("bank's reference"), null=True, blank=True)
    received_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    received_at = models.DateTimeField(_("received at"))
    transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="recovery_receipt")
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("recovery receipt")
        verbose_name_plural = _("recovery receipts")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0), name="a_receipt_is_a_positive_amount"
            ),
            models.CheckConstraint(
                condition=Q(kind="cash", bank_reference__isnull=False, payable__isnull=True)
                | Q(kind="offset", bank_reference__isnull=True, payable__isnull=False),
                name="a_receipt_names_its_bank_line_or_its_payable",
            ),
            models.UniqueConstraint(
                fields=["bank_reference"],
                condition=Q(kind="cash"),
                name="a_bank_line_pays_one_recovery_once",
            ),
        ]
        triggers = immutable("recovery_receipt")

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.amount_fen}"


class Instalment(models.Model):
    """One date and amount of an agreed plan. A new plan replaces the one before, as a new number.

    What is paid is not stored here: receipts fill the newest plan in the order of its dates.
    """

    case = models.ForeignKey(RecoveryCase, models.PROTECT, related_name="instalments")
    plan = models.PositiveSmallIntegerField(_("plan"))
    number = models.PositiveSmallIntegerField(_("number"))
    due_date = models.DateField(_("due on"))
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    agreed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(_("agreed at"))

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "plan", "number"], name="an_instalment_has_a_number_of_its_own"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0), name="an_instalment_is_a_positive_amount"
            ),
        ]
        triggers = immutable("instalment")

    def __str__(self) -> str:
        return f"{self.case_id}/{self.plan}/{self.number}"


class WriteOff(Proposal):
    """What will not come back: two approvals, a fraud check that found nothing. Never hidden."""

    class Fraud(models.TextChoices):
        CLEAR = "clear", _("no sign of fraud")
        SUSPECTED = "suspected", _("fraud suspected")

    case = models.ForeignKey(RecoveryCase, models.PROTECT, related_name="write_offs")
    fraud_result = models.TextField(_("fraud check"), choices=Fraud, null=True, blank=True)
    fraud_note = models.TextField(_("what was checked"), null=True, blank=True)
    fraud_checked_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    fraud_checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("write-off")
        verbose_name_plural = _("write-offs")
        constraints = [
            *signed_by_three("a_write_off"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "rejected"]) | Q(fraud_result="clear"),
                name="a_write_off_passed_its_fraud_check",
            ),
            models.CheckConstraint(
                condition=Q(fraud_result__isnull=True)
                | Q(
                    fraud_note__isnull=False,
                    fraud_checked_by__isnull=False,
                    fraud_checked_at__isnull=False,
                ),
                name="a_fraud_check_says_what_and_by_whom",
            ),
            models.CheckConstraint(
                condition=~Q(fraud_checked_by=F("proposed_by"))
                & ~Q(fraud_checked_by=F("approved_by_1"))
                & ~Q(fraud_checked_by=F("approved_by_2")),
                name="the_fraud_check_is_done_by_a_fourth_person",
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["proposed", "half_approved"]),
                name="a_recovery_has_one_open_write_off",
            ),
        ]
        triggers = moves_when_signed(
            "write_off",
            "case_id",
            "fraud_result",
            "fraud_note",
            "fraud_checked_by_id",
            issuer=CASES_ISSUER,
            roles=("finance_reviewer",),
        )

    def __str__(self) -> str:
        return f"{self.case_id} {self.amount_fen}"
