"""What happens to a budget after it was appropriated: parts released, more, less, elsewhere."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable
from treasury.models.budgets import Envelope, FundingSource
from treasury.models.proposals import Proposal, moves_when_signed, signed_by_three
from treasury.triggers import ENVELOPES_ISSUER

BUDGET_SIGNERS = ("budget_officer", "finance_reviewer")


class Tranche(Proposal):
    """A part of an envelope released for issue. Only envelopes "released in tranches" have them."""

    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="tranches")
    number = models.PositiveSmallIntegerField(_("number"))

    class Meta:
        verbose_name = _("tranche")
        verbose_name_plural = _("tranches")
        constraints = [
            *signed_by_three("a_tranche"),
            models.UniqueConstraint(
                fields=["envelope", "number"], name="a_tranche_has_a_number_of_its_own"
            ),
        ]
        triggers = moves_when_signed(
            "tranche", "envelope_id", "number", issuer=ENVELOPES_ISSUER, roles=BUDGET_SIGNERS
        )

    def __str__(self) -> str:
        return f"{self.envelope_id}/{self.number}"


class Adjustment(Proposal):
    """More for an envelope (追加), less (调减), or from one to another (调剂)."""

    class Kind(models.TextChoices):
        ADD = "add", _("addition")
        CUT = "cut", _("cut")
        TRANSFER = "transfer", _("transfer between envelopes")

    kind = models.TextField(_("kind"), choices=Kind)
    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="adjustments")
    funding_source = models.ForeignKey(
        FundingSource, models.PROTECT, null=True, blank=True, related_name="adjustments"
    )
    to_envelope = models.ForeignKey(
        Envelope, models.PROTECT, null=True, blank=True, related_name="adjustments_in"
    )

    class Meta:
        verbose_name = _("budget adjustment")
        verbose_name_plural = _("budget adjustments")
        constraints = [
            *signed_by_three("an_adjustment"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=["add", "cut"], funding_source__isnull=False, to_envelope__isnull=True
                )
                | Q(kind="transfer", funding_source__isnull=True, to_envelope__isnull=False),
                name="an_adjustment_names_its_other_side",
            ),
            models.CheckConstraint(
                condition=~Q(to_envelope=F("envelope")),
                name="an_envelope_transfers_to_another",
            ),
        ]
        triggers = moves_when_signed(
            "adjustment",
            "kind",
            "envelope_id",
            "funding_source_id",
            "to_envelope_id",
            issuer=ENVELOPES_ISSUER,
            roles=BUDGET_SIGNERS,
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_fen} · {self.envelope_id}"


class EnvelopeAlert(models.Model):
    """Three quarters, nine tenths or all of a budget are promised; said once for its size then."""

    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="alerts")
    percent = models.PositiveSmallIntegerField(_("percent"))
    appropriated_fen = models.BigIntegerField(_("appropriated (fen)"))
    available_fen = models.BigIntegerField(_("available (fen)"))
    raised_at = models.DateTimeField(_("raised at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("envelope alert")
        verbose_name_plural = _("envelope alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["envelope", "percent", "appropriated_fen"],
                name="an_alert_is_raised_once_for_a_size_of_budget",
            ),
            models.CheckConstraint(
                condition=Q(percent__in=[75, 90, 100]), name="an_alert_is_at_75_90_or_100_percent"
            ),
        ]
        triggers = immutable("envelope_alert")

    def __str__(self) -> str:
        return f"{self.envelope_id} {self.percent} %"
