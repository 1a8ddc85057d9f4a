"""Orders, charges, payments and clearing; and the answers kept for retries."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import (
    immutable,
    moves_only_along,
    never_deleted,
    starts_as,
    written_once,
)
from identity.models import Organization
from marketplace import moves
from scheduling.models import Allocation, Placement
from treasury.models import Payable
from vouchers.models import Redemption, Voucher


class IdempotentAnswer(models.Model):
    """The answer a request with an Idempotency-Key got, kept so that a retry gets it again."""

    key = models.TextField(_("key"), unique=True)
    fingerprint = models.CharField(_("hash of the request"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"))
    content_type = models.TextField(_("content type"))
    body = models.TextField(_("body"))
    answered_at = models.DateTimeField(_("answered at"))

    class Meta:
        verbose_name = _("idempotent answer")
        verbose_name_plural = _("idempotent answers")

    def __str__(self) -> str:
        return self.key


class Order(models.Model):
    """A placement accepted: capacity allocated and the voucher's part held, both or neither."""

    class State(models.TextChoices):
        PLACED = "placed", _("placed")
        CHARGED = "charged", _("charged")
        CANCELLED = "cancelled", _("cancelled")

    enterprise = models.ForeignKey(Organization, models.PROTECT, related_name="orders")
    provider = models.ForeignKey(Organization, models.PROTECT, related_name="orders_received")
    placement = models.OneToOneField(Placement, models.PROTECT, related_name="order")
    allocation = models.OneToOneField(Allocation, models.PROTECT, related_name="order")
    voucher = models.ForeignKey(Voucher, models.PROTECT, null=True, blank=True)
    redemption = models.OneToOneField(Redemption, models.PROTECT, null=True, blank=True)
    price_fen = models.PositiveBigIntegerField(_("price (fen)"))
    voucher_fen = models.PositiveBigIntegerField(_("voucher part (fen)"))
    state = models.TextField(_("state"), choices=State, default=State.PLACED)
    placed_at = models.DateTimeField(_("placed at"))

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.CheckConstraint(
                condition=Q(voucher_fen__lte=F("price_fen")),
                name="an_orders_voucher_part_is_within_its_price",
            ),
            models.CheckConstraint(
                condition=Q(voucher_fen=0) | Q(redemption__isnull=False),
                name="an_orders_voucher_part_is_held",
            ),
        ]
        triggers = [moves_only_along("order", moves.ORDER_MOVES)]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Charge(models.Model):
    """What metered usage cost, and who pays which part. Written once."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="charge")
    accelerator_hours = models.DecimalField(_("accelerator-hours"), max_digits=18, decimal_places=6)
    energy_kwh = models.DecimalField(
        _("energy (kWh)"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    carbon_kg = models.DecimalField(
        _("carbon (kg CO₂)"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    total_fen = models.PositiveBigIntegerField(_("total (fen)"))
    voucher_fen = models.PositiveBigIntegerField(_("paid by voucher (fen)"))
    own_fen = models.PositiveBigIntegerField(_("paid by the enterprise (fen)"))
    charged_at = models.DateTimeField(_("charged at"))

    # UPDATE of a column that a trigger keeps: what SELECT … FOR UPDATE needs.
    APPLICATION_MAY = ("SELECT", "INSERT", "UPDATE (id)")

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        constraints = [
            models.CheckConstraint(
                condition=Q(total_fen=F("voucher_fen") + F("own_fen")),
                name="a_charge_is_paid_by_voucher_and_enterprise",
            )
        ]
        triggers = immutable("charge")

    def __str__(self) -> str:
        return f"{self.order}"


class Payment(models.Model):
    """The enterprise's own part, through the payment gateway."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("requested")
        PROCESSING = "processing", _("processing")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    charge = models.OneToOneField(Charge, models.PROTECT, related_name="payment")
    amount_fen = models.PositiveBigIntegerField(_("amount (fen)"))
    intent_id = models.TextField(_("payment intent"), unique=True, null=True, blank=True)
    state = models.TextField(_("state"), choices=State, default=State.REQUESTED)
    failure = models.TextField(_("failure"), blank=True, default="")
    succeeded_at = models.DateTimeField(_("succeeded at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="succeeded") | Q(succeeded_at__isnull=False),
                name="a_succeeded_payment_says_when",
            )
        ]
        triggers = [moves_only_along("payment", moves.PAYMENT_MOVES)]

    def __str__(self) -> str:
        return self.intent_id or f"#{self.pk}"


class Refund(models.Model):
    """Part of a charge given back, to those who paid it and as they paid it."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("requested")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    reference = models.TextField(_("reference"), unique=True)
    charge = models.ForeignKey(Charge, models.PROTECT, related_name="refunds")
    total_fen = models.PositiveBigIntegerField(_("total (fen)"))
    voucher_fen = models.PositiveBigIntegerField(_("to the voucher (fen)"))
    own_fen = models.PositiveBigIntegerField(_("to the enterprise (fen)"))
    reason = models.TextField(_("reason"))
    gateway_refund_id = models.TextField(_("gateway's refund"), unique=True, null=True, blank=True)
    failure = models.TextField(_("failure"), blank=True, default="")
    person_id = models.BigIntegerField(_("granted by person"), null=True)
    granted_at = models.DateTimeField(_("granted at"))
    state = models.TextField(_("state"), choices=State, default=State.REQUESTED)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(
                condition=Q(total_fen__gt=0, total_fen=F("voucher_fen") + F("own_fen")),
                name="a_refund_goes_back_to_voucher_and_enterprise",
            )
        ]
        triggers = [
            *never_deleted("refund"),
            starts_as("refund", "requested"),
            moves_only_along("refund", moves.REFUND_MOVES),
            written_once(
                "refund", "reference", "charge_id", "total_fen", "voucher_fen", "own_fen", "reason"
            ),
            pgtrigger.Trigger(
                name="refunds_stay_within_their_charge",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("paid", "marketplace_charge%ROWTYPE")],
                func="""
                    SELECT * INTO paid FROM marketplace_charge WHERE id = NEW.charge_id FOR UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM marketplace_refund WHERE charge_id = NEW.charge_id
                        HAVING COALESCE(SUM(voucher_fen), 0) + NEW.voucher_fen > paid.voucher_fen
                            OR COALESCE(SUM(own_fen), 0) + NEW.own_fen > paid.own_fen
                    ) THEN
                        RAISE EXCEPTION 'charge %: refunds stay within their charge', paid.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'refunds_stay_within_their_charge';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class GatewayEvent(models.Model):
    """The payment gateway's webhook inbox: stored by id, answered, handled once."""

    event_id = models.TextField(_("event"), unique=True)
    type = models.TextField(_("type"))
    body = models.JSONField(_("body"))
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("gateway event")
        verbose_name_plural = _("gateway events")
        triggers = immutable("gateway_event")

    def __str__(self) -> str:
        return self.event_id


class ClearingRun(models.Model):
    """Who owes whom for the charges of a period: computed, then discharged through the treasury."""

    issuer = models.ForeignKey(Organization, models.PROTECT, related_name="clearing_runs")
    upto = models.DateTimeField(_("charges before"))
    computed_at = models.DateTimeField(_("computed at"))
    person_id = models.BigIntegerField(_("computed by person"), null=True)

    class Meta:
        verbose_name = _("clearing run")
        verbose_name_plural = _("clearing runs")

    def __str__(self) -> str:
        return f"#{self.pk}"


class ClearingLine(models.Model):
    """One charge in a clearing run: what the government and the enterprise owe its provider."""

    run = models.ForeignKey(ClearingRun, models.PROTECT, related_name="lines")
    charge = models.OneToOneField(Charge, models.PROTECT, related_name="clearing_line")
    provider = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    government_fen = models.PositiveBigIntegerField(_("owed by government (fen)"))
    enterprise_fen = models.PositiveBigIntegerField(_("owed by enterprise (fen)"))
    payable = models.OneToOneField(Payable, models.PROTECT, null=True, blank=True)

    class Meta:
        verbose_name = _("clearing line")
        verbose_name_plural = _("clearing lines")
        constraints = [
            models.CheckConstraint(
                condition=Q(government_fen=0) | Q(payable__isnull=False),
                name="what_government_owes_is_a_payable",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="clearing_line_is_never_edited",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.charge}"
