"""The holder's entitlement, and what it was spent on. Balances are the ledger's."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization
from ledger.models import Account, Hold
from treasury.models import Envelope, Payable
from vouchers import moves
from vouchers.models.applications import Application
from vouchers.models.programmes import PolicyVersion, Programme
from vouchers.models.windows import WindowAnswer
from vouchers.triggers import vouchers_start_issued_or_were_claimed_in_a_window


class Voucher(models.Model):
    """算力券, bound to its holder. Whether anything is left is the balance of `available`."""

    class State(models.TextChoices):
        ISSUED = "issued", _("issued")
        CLAIMED = "claimed", _("claimed")
        SUSPENDED = "suspended", _("suspended")
        EXPIRED = "expired", _("expired")
        VOIDED = "voided", _("voided")

    MOVES = moves.VOUCHER_MOVES

    serial = models.TextField(_("serial number"), unique=True)
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="vouchers")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="vouchers")
    application = models.OneToOneField(
        Application, models.PROTECT, null=True, blank=True, related_name="voucher"
    )
    window_answer = models.OneToOneField(
        WindowAnswer, models.PROTECT, null=True, blank=True, related_name="voucher"
    )
    holder = models.ForeignKey(Organization, models.PROTECT, related_name="vouchers")
    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="vouchers")
    face_fen = models.PositiveBigIntegerField(_("face value (fen)"))
    available = models.OneToOneField(Account, models.PROTECT, null=True, related_name="+")
    reserved = models.OneToOneField(Account, models.PROTECT, null=True, related_name="+")
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(
        _("valid until"), help_text=_("the first instant after the last civil day, Asia/Shanghai")
    )
    state = models.TextField(_("state"), choices=State, default=State.ISSUED)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        constraints = [
            models.CheckConstraint(condition=Q(face_fen__gt=0), name="a_voucher_has_a_face_value"),
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("valid_from")), name="a_voucher_is_valid_for_a_time"
            ),
            models.CheckConstraint(
                condition=Q(application__isnull=False, window_answer__isnull=True)
                | Q(application__isnull=True, window_answer__isnull=False),
                name="a_voucher_comes_from_one_application_or_one_claim",
            ),
        ]
        indexes = [models.Index(fields=["valid_until"], name="voucher_validity")]
        triggers = [
            *never_deleted("voucher"),
            vouchers_start_issued_or_were_claimed_in_a_window(),
            moves_only_along("voucher", moves.VOUCHER_MOVES),
            written_once(
                "voucher",
                "serial",
                "programme_id",
                "version_id",
                "application_id",
                "window_answer_id",
                "holder_id",
                "face_fen",
                "envelope_id",
                "available_id",
                "reserved_id",
                "valid_from",
                "valid_until",
            ),
        ]

    def __str__(self) -> str:
        return self.serial


class Redemption(models.Model):
    """核销: a hold for one order, spent in whole or part on accepted usage."""

    class State(models.TextChoices):
        RESERVED = "reserved", _("reserved")
        COMMITTED = "committed", _("committed")
        PAYABLE = "payable", _("payable")
        SETTLED = "settled", _("settled")
        RETURNED = "returned", _("returned")
        RELEASED = "released", _("released")
        LAPSED = "lapsed", _("lapsed")

    MOVES = moves.REDEMPTION_MOVES

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="redemptions")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    order_reference = models.TextField(_("order"), unique=True)
    provider = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    hold = models.OneToOneField(Hold, models.PROTECT, related_name="redemption")
    reserved_fen = models.PositiveBigIntegerField(_("reserved (fen)"))
    committed_fen = models.PositiveBigIntegerField(_("redeemed (fen)"), default=0)
    returned_fen = models.PositiveBigIntegerField(
        _("returned (fen)"), default=0, help_text=_("of what was redeemed, before it was payable")
    )
    earned = models.OneToOneField(Account, models.PROTECT, null=True, related_name="+")
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="redemption"
    )
    reserved_at = models.DateTimeField(_("reserved at"))
    state = models.TextField(_("state"), choices=State, default=State.RESERVED)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(committed_fen__lte=F("reserved_fen")),
                name="never_redeemed_beyond_what_was_reserved",
            ),
            models.CheckConstraint(
                condition=Q(returned_fen__lte=F("committed_fen")),
                name="never_returned_beyond_what_was_redeemed",
            ),
        ]
        triggers = [
            *never_deleted("redemption"),
            starts_as("redemption", "reserved"),
            moves_only_along("redemption", moves.REDEMPTION_MOVES),
            written_once(
                "redemption",
                "voucher_id",
                "version_id",
                "order_reference",
                "provider_id",
                "hold_id",
                "reserved_fen",
                "earned_id",
                "payable_id",
            ),
        ]

    def __str__(self) -> str:
        return self.order_reference

    @property
    def kept_fen(self) -> int:
        """What stays redeemed: the provider earned it and a refund did not take it back."""
        return self.committed_fen - self.returned_fen
