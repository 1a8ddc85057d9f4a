"""The yearly settlement of a book: what each provider earned in it, and each platform's trade.

A book is a budget year, so all its postings belong to that year, whenever they are recorded. The
work is done in chunks of postings; a chunk's sums and the checkpoint behind it are one transaction.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization
from ledger.models import Account, Book
from vouchers import moves
from vouchers.models.awards import SubsidyAward
from vouchers.models.programmes import PolicyVersion


class YearSettlement(models.Model):
    """One for a book. `next_posting` is the checkpoint: what is before it has been counted."""

    class State(models.TextChoices):
        COUNTING = "counting", _("counting")
        SUMMED = "summed", _("summed")
        SETTLED = "settled", _("settled")

    MOVES = moves.SETTLEMENT_MOVES

    book = models.OneToOneField(Book, models.PROTECT, related_name="settlement")
    version = models.ForeignKey(
        PolicyVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="settlements",
        help_text=_("the terms by which platforms are rewarded for the year's trade"),
    )
    last_posting = models.BigIntegerField(_("last posting"))
    next_posting = models.BigIntegerField(_("next posting"), default=1)
    state = models.TextField(_("state"), choices=State, default=State.COUNTING)
    person_id = models.BigIntegerField(_("person"), null=True)
    opened_at = models.DateTimeField(_("opened at"))

    class Meta:
        verbose_name = _("yearly settlement")
        verbose_name_plural = _("yearly settlements")
        constraints = [
            models.CheckConstraint(
                condition=Q(next_posting__lte=F("last_posting") + 1, next_posting__gte=1),
                name="a_settlement_counts_no_further_than_its_last_posting",
            ),
            models.CheckConstraint(
                condition=Q(state="counting") | Q(next_posting=F("last_posting") + 1),
                name="a_settlement_is_summed_when_all_is_counted",
            ),
        ]
        triggers = [
            *never_deleted("year_settlement"),
            starts_as("year_settlement", "counting"),
            moves_only_along("year_settlement", moves.SETTLEMENT_MOVES),
            written_once("year_settlement", "book_id", "version_id", "last_posting", "opened_at"),
        ]

    def __str__(self) -> str:
        return f"{self.book}"


class SettlementMember(models.Model):
    """Whose trade counts for which platform; fixed when the settlement is opened."""

    settlement = models.ForeignKey(YearSettlement, models.PROTECT, related_name="members")
    platform = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    provider = models.ForeignKey(Organization, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("member of a platform")
        verbose_name_plural = _("members of platforms")
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "provider"], name="a_providers_trade_counts_for_one_platform"
            )
        ]
        triggers = immutable("settlement_member")

    def __str__(self) -> str:
        return f"{self.provider_id} → {self.platform_id}"


class SettlementSum(models.Model):
    """What one chunk of postings moved into (and out of) one account, in fen."""

    settlement = models.ForeignKey(
        YearSettlement, models.PROTECT, related_name="sums", db_index=False
    )
    first_posting = models.BigIntegerField(_("first posting of the chunk"))
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    fen = models.BigIntegerField(_("amount (fen)"))
    postings = models.BigIntegerField(_("postings"))

    class Meta:
        verbose_name = _("sum of a chunk")
        verbose_name_plural = _("sums of chunks")
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "first_posting", "account"],
                name="a_chunk_is_counted_once",
            )
        ]
        triggers = immutable("settlement_sum")

    def __str__(self) -> str:
        return f"{self.account_id}: {self.fen}"


class SettlementLine(models.Model):
    """What the year's redemptions earned a provider, or what a platform's members earned."""

    settlement = models.ForeignKey(YearSettlement, models.PROTECT, related_name="lines")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="settlement_lines")
    is_platform = models.BooleanField(_("of a platform"), default=False)
    earned_fen = models.BigIntegerField(
        _("earned (fen)"), help_text=_("Redeemed less returned; of a platform: by its members.")
    )
    postings = models.BigIntegerField(_("postings"))
    award = models.OneToOneField(
        SubsidyAward, models.PROTECT, null=True, blank=True, related_name="settlement_line"
    )

    class Meta:
        verbose_name = _("settlement line")
        verbose_name_plural = _("settlement lines")
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "organization", "is_platform"],
                name="a_party_has_one_line_in_a_settlement",
            ),
            models.CheckConstraint(
                condition=Q(award__isnull=True) | Q(is_platform=True),
                name="only_a_platforms_line_is_rewarded",
            ),
        ]
        triggers = [
            *never_deleted("settlement_line"),
            written_once(
                "settlement_line",
                "settlement_id",
                "organization_id",
                "is_platform",
                "earned_fen",
                "postings",
                "award_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.earned_fen}"
