"""The holder's entitlement, and what it was spent on. Balances are the ledger's."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, written_once
from identity.models import Organization
from ledger.models import Account, Hold, Transfer
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
    """核销: a hold for one order, spent in whole or part on accepted usage; or spent at once.

    At once (`transfer`, no hold) is written by the SQL function `redeem_batch` only.
    """

    class State(models.TextChoices):
        RESERVED = "reserved", _("reserved")
        COMMITTED = "committed", _("committed")
        PAYABLE = "payable", _("payable")
        SETTLED = "settled", _("settled")
        RETURNED = "returned", _("returned")
        RELEASED = "released", _("released")
        LAPSED = "lapsed", _("lapsed")

    MOVES = moves.REDEMPTION_MOVES

    # No foreign keys to rows that many redemptions share: each would lock them. The trigger below
    # checks a whole batch at once, and none of those rows can be deleted.
    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="redemptions", db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    order_reference = models.TextField(_("order"))  # unique below, without an index for LIKE
    provider = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", db_constraint=False
    )
    hold = models.OneToOneField(
        Hold, models.PROTECT, null=True, blank=True, related_name="redemption"
    )
    transfer = models.OneToOneField(
        Transfer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="redemption",
        db_constraint=False,
        help_text=_("of a redemption at once"),
    )
    reserved_fen = models.PositiveBigIntegerField(_("reserved (fen)"))
    committed_fen = models.PositiveBigIntegerField(_("redeemed (fen)"), default=0)
    returned_fen = models.PositiveBigIntegerField(
        _("returned (fen)"), default=0, help_text=_("of what was redeemed, before it was payable")
    )
    earned = models.ForeignKey(
        Account, models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    payable = models.OneToOneField(
        Payable, models.PROTECT, null=True, blank=True, related_name="redemption"
    )
    reserved_at = models.DateTimeField(_("reserved at"))
    state = models.TextField(_("state"), choices=State, default=State.RESERVED)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        indexes = [
            # With all that is added up of a voucher, so that caps and balances read no row.
            models.Index(
                fields=["voucher"],
                include=["reserved_at", "state", "reserved_fen", "committed_fen", "returned_fen"],
                name="redemption_of_voucher",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order_reference"], name="an_order_is_redeemed_at_most_once"
            ),
            models.CheckConstraint(
                condition=Q(hold__isnull=False, transfer__isnull=True)
                | Q(hold__isnull=True, transfer__isnull=False, committed_fen=F("reserved_fen")),
                name="a_redemption_rests_on_a_hold_or_on_a_transfer",
            ),
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
            pgtrigger.Protect(
                name="redemption_starts_as_reserved",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__state__df="reserved", new__transfer__isnull=True),
            ),
            pgtrigger.Protect(
                name="redemption_at_once_starts_as_committed",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__state__df="committed", new__transfer__isnull=False),
            ),
            pgtrigger.Trigger(
                name="redemption_names_what_exists",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="written"),
                func="""
                    -- LIMIT and OFFSET keep each look-up by its key: a voucher has many postings.
                    IF EXISTS (
                        SELECT 1 FROM written w
                          LEFT JOIN LATERAL (
                              SELECT id, available_id FROM vouchers_voucher
                               WHERE id = w.voucher_id AND version_id = w.version_id LIMIT 1
                          ) v ON true
                         WHERE v.id IS NULL
                            OR NOT EXISTS (SELECT 1 FROM identity_organization
                                            WHERE id = w.provider_id OFFSET 0)
                            OR w.transfer_id IS NOT NULL AND NOT EXISTS (
                               SELECT 1 FROM (SELECT * FROM ledger_posting
                                               WHERE transfer_id = w.transfer_id OFFSET 0) p
                                WHERE p.source_id = v.available_id
                                  AND p.destination_id = w.earned_id
                                  AND p.amount_fen = w.committed_fen)
                    ) THEN
                        RAISE EXCEPTION 'a redemption of no such voucher, provider or transfer'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_redemption_names_what_exists';
                    END IF;
                    RETURN NULL;
                """,
            ),
            moves_only_along("redemption", moves.REDEMPTION_MOVES),
            written_once(
                "redemption",
                "voucher_id",
                "version_id",
                "order_reference",
                "provider_id",
                "hold_id",
                "transfer_id",
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
