"""互认: vouchers spent outside their region, and what regions owe each other for it.

The spending region's treasury pays its provider; the issuing region owes it that money. In both
books the account `clear:{debtor}:{creditor}` (GB/T 2260 codes) holds the debt: positive with who
owes, negative with who is owed, so that over both books it sums to zero at all times (I11).
"""

from decimal import Decimal

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User
from ledger.models import Transfer
from treasury.models import Payable
from vouchers import moves
from vouchers.models.programmes import Programme
from vouchers.models.vouchers import Redemption


class AcceptanceAgreement(models.Model):
    """From a first to a last day, one region accepts another's vouchers, up to a cap.

    Proposed by the issuer's side, approved by somebody else there and by the spending side.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        HALF_APPROVED = "half_approved", _("approved by one")
        IN_FORCE = "in_force", _("in force")
        REJECTED = "rejected", _("rejected")
        ENDED = "ended", _("ended")

    MOVES = moves.ACCEPTANCE_MOVES

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="acceptances_asked")
    spender = models.ForeignKey(Organization, models.PROTECT, related_name="acceptances_given")
    programmes = models.ManyToManyField(
        Programme, blank=True, related_name="acceptances", help_text=_("None named: all of them.")
    )
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    rate = models.DecimalField(
        _("rate"),
        max_digits=5,
        decimal_places=4,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.0001")), MaxValueValidator(Decimal(1))],
        help_text=_("Of what a voucher would pay at home, this share is paid there."),
    )
    cap_fen = models.PositiveBigIntegerField(_("cap (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    approved_by_issuer = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by_spender = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(_("reason"), blank=True, default="")

    class Meta:
        verbose_name = _("acceptance agreement")
        verbose_name_plural = _("acceptance agreements")
        constraints = [
            models.CheckConstraint(
                condition=~Q(issuer=F("spender")), name="nobody_agrees_with_themselves"
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="an_agreement_lasts_a_day"
            ),
            models.CheckConstraint(
                condition=Q(rate__gt=0, rate__lte=1), name="an_agreement_rate_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(cap_fen__gt=0, cap_fen__lt=2**53), name="an_agreement_has_a_cap"
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_issuer=F("proposed_by"))
                & ~Q(approved_by_spender=F("proposed_by"))
                & ~Q(approved_by_spender=F("approved_by_issuer")),
                name="an_agreement_is_signed_by_three_people",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["in_force", "ended"])
                | Q(approved_by_issuer__isnull=False, approved_by_spender__isnull=False),
                name="an_agreement_in_force_is_signed_by_both_sides",
            ),
            ExclusionConstraint(
                name="two_regions_have_one_agreement_a_day",
                expressions=[
                    ("issuer", RangeOperators.EQUAL),
                    ("spender", RangeOperators.EQUAL),
                    (
                        Func("first_day", "last_day", models.Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state="in_force"),
            ),
        ]
        triggers = [
            *never_deleted("acceptance_agreement"),
            starts_as("acceptance_agreement", "proposed"),
            moves_only_along("acceptance_agreement", moves.ACCEPTANCE_MOVES),
            written_once(
                "acceptance_agreement",
                "issuer_id",
                "spender_id",
                "first_day",
                "last_day",
                "rate",
                "cap_fen",
                "proposed_by_id",
                "approved_by_issuer_id",
                "approved_by_spender_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issuer} → {self.spender}"


class AcceptedSpending(models.Model):
    """A redemption outside its voucher's region, under an agreement whose cap holds it."""

    redemption = models.OneToOneField(Redemption, models.PROTECT, related_name="accepted")
    agreement = models.ForeignKey(AcceptanceAgreement, models.PROTECT, related_name="spendings")
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    spent_in = models.CharField(_("GB/T 2260 code"), max_length=6)
    accepted_at = models.DateTimeField(_("accepted at"))

    class Meta:
        verbose_name = _("spending outside the region")
        verbose_name_plural = _("spendings outside the region")
        triggers = [
            *immutable("accepted_spending"),
            pgtrigger.Trigger(
                name="spending_stays_within_its_agreements_cap",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("cap", "bigint"), ("spent", "numeric")],
                func="""
                    SELECT cap_fen INTO cap FROM vouchers_acceptanceagreement
                     WHERE id = NEW.agreement_id AND state = 'in_force' FOR NO KEY UPDATE;
                    SELECT COALESCE(SUM(CASE r.state
                               WHEN 'reserved' THEN r.reserved_fen
                               WHEN 'released' THEN 0 WHEN 'lapsed' THEN 0
                               ELSE r.committed_fen - r.returned_fen END), 0) INTO spent
                      FROM vouchers_acceptedspending s
                      JOIN vouchers_redemption r ON r.id = s.redemption_id
                     WHERE s.agreement_id = NEW.agreement_id;
                    IF cap IS NULL OR spent + NEW.amount_fen > cap THEN
                        RAISE EXCEPTION 'agreement %: cap % does not hold % more',
                            NEW.agreement_id, cap, NEW.amount_fen
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'spending_stays_within_its_agreements_cap';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.redemption_id}: {self.spent_in}"


class RegionalClearing(models.Model):
    """A window between two regions: its entries are frozen and netted; both sides confirm.

    `one` is the organization with the smaller key, so that a pair has one name.
    """

    class State(models.TextChoices):
        CLOSED = "closed", _("closed and netted")
        HALF_CONFIRMED = "half_confirmed", _("confirmed by one")
        CONFIRMED = "confirmed", _("confirmed by both")
        SETTLED = "settled", _("settled")
        ABORTED = "aborted", _("aborted")

    MOVES = moves.REGIONAL_CLEARING_MOVES

    one = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    other = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    budget_year = models.PositiveSmallIntegerField(_("budget year"))
    number = models.PositiveIntegerField(_("number"))
    upto = models.DateTimeField(_("entries before"))
    one_owes_fen = models.PositiveBigIntegerField(_("the first owes (fen)"))
    other_owes_fen = models.PositiveBigIntegerField(_("the other owes (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.CLOSED)
    closed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(_("closed at"))
    confirmed_by_one = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_by_other = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="regional_clearing"
    )

    class Meta:
        verbose_name = _("clearing between regions")
        verbose_name_plural = _("clearings between regions")
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other", "budget_year", "number"],
                name="a_regional_clearing_is_numbered_once",
            ),
            models.CheckConstraint(
                condition=Q(one__lt=F("other")), name="a_pair_of_regions_has_one_name"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "settled"])
                | Q(confirmed_by_one__isnull=False, confirmed_by_other__isnull=False),
                name="a_regional_clearing_is_confirmed_by_both_sides",
            ),
            models.CheckConstraint(
                condition=~Q(confirmed_by_one=F("confirmed_by_other")),
                name="one_person_does_not_confirm_for_both_regions",
            ),
        ]
        triggers = [
            *never_deleted("regional_clearing"),
            starts_as("regional_clearing", "closed"),
            moves_only_along("regional_clearing", moves.REGIONAL_CLEARING_MOVES),
            written_once(
                "regional_clearing",
                "one_id",
                "other_id",
                "budget_year",
                "number",
                "upto",
                "payable_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.one} – {self.other} {self.budget_year}/{self.number}"


class ClearingEntry(models.Model):
    """What one region owes another for one redemption, or owes back of it. Never edited."""

    class Kind(models.TextChoices):
        ACCRUAL = "accrual", _("voucher spent there")
        REVERSAL = "reversal", _("given back")

    kind = models.TextField(_("kind"), choices=Kind)
    reference = models.TextField(_("reference"), unique=True)
    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="clearing_entries")
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals"
    )
    debtor = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    creditor = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    budget_year = models.PositiveSmallIntegerField(_("budget year"))
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    reason = models.TextField(_("reason"), blank=True, default="")
    debtors_transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="+")
    creditors_transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="+")
    accrued_at = models.DateTimeField(_("accrued at"))
    clearing = models.ForeignKey(
        RegionalClearing, models.PROTECT, null=True, blank=True, related_name="entries"
    )
    disputed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    dispute = models.TextField(_("dispute"), blank=True, default="")

    class Meta:
        verbose_name = _("clearing entry")
        verbose_name_plural = _("clearing entries")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & ~Q(debtor=F("creditor")),
                name="an_entry_is_a_debt_to_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(kind="accrual", reverses__isnull=True)
                | Q(kind="reversal", reverses__isnull=False),
                name="a_reversal_names_what_it_reverses",
            ),
            models.CheckConstraint(
                condition=Q(clearing__isnull=True) | Q(disputed_by__isnull=True),
                name="a_disputed_entry_is_in_no_clearing",
            ),
            models.UniqueConstraint(
                fields=["redemption"],
                condition=Q(kind="accrual"),
                name="a_redemption_accrues_once",
            ),
        ]
        triggers = [
            *never_deleted("clearing_entry"),
            pgtrigger.Trigger(
                name="clearing_entry_stays_as_it_was",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF (to_jsonb(NEW) - ARRAY['clearing_id', 'disputed_by_id', 'dispute'])
                       <> (to_jsonb(OLD) - ARRAY['clearing_id', 'disputed_by_id', 'dispute'])
                       OR (OLD.clearing_id IS DISTINCT FROM NEW.clearing_id AND EXISTS (
                            SELECT 1 FROM vouchers_regionalclearing c
                             WHERE c.id = OLD.clearing_id
                               AND c.state IN ('confirmed', 'settled'))) THEN
                        RAISE EXCEPTION 'clearing entry %: what was cleared stays', OLD.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_cleared_entry_stays';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.reference
