"""What every change of a running budget has in common: proposed by one, approved by two others."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import User
from ledger.models import Transfer
from treasury.triggers import no_loan_restores_a_conflict

PROPOSAL_MOVES = (
    ("proposed", "half_approved"),
    ("half_approved", "approved"),
    ("proposed", "rejected"),
    ("half_approved", "rejected"),
)


class Proposal(models.Model):
    """An amount that moves only when two people approve it, neither of whom proposed it."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        HALF_APPROVED = "half_approved", _("approved by one")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    MOVES = PROPOSAL_MOVES

    amount_fen = models.BigIntegerField(_("amount (fen)"))
    reason = models.TextField(_("reason"))
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    approved_by_1 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_by_2 = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    transfer = models.OneToOneField(
        Transfer, models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        abstract = True


def signed_by_three(noun: str) -> list[models.CheckConstraint]:
    """The constraints of a Proposal; `noun` begins their names ("an_adjustment")."""
    return [
        models.CheckConstraint(
            condition=Q(amount_fen__gt=0) & Q(amount_fen__lt=2**53),
            name=f"{noun}_is_a_positive_amount",
        ),
        models.CheckConstraint(
            condition=~Q(approved_by_1=F("proposed_by"))
            & ~Q(approved_by_2=F("proposed_by"))
            & ~Q(approved_by_2=F("approved_by_1")),
            name=f"{noun}_is_signed_by_three_people",
        ),
        models.CheckConstraint(
            condition=Q(state__in=["proposed", "rejected"]) | Q(approved_by_1__isnull=False),
            name=f"{noun}_half_approved_names_its_approver",
        ),
        models.CheckConstraint(
            condition=~Q(state="approved") | Q(approved_by_2__isnull=False, transfer__isnull=False),
            name=f"{noun}_approved_is_signed_twice_and_posted",
        ),
    ]


def moves_when_signed(
    name: str, *columns: str, issuer: str, roles: tuple[str, ...]
) -> list[pgtrigger.Trigger]:
    """The triggers of a Proposal called `name`; `columns` are written once beside its own.

    `issuer` is SQL for its issuing organization, `roles` those that may approve it.
    """
    return [
        *never_deleted(name),
        starts_as(name, "proposed"),
        moves_only_along(name, PROPOSAL_MOVES),
        written_once(
            name,
            "amount_fen",
            "reason",
            "proposed_by_id",
            "approved_by_1_id",
            "approved_by_2_id",
            "transfer_id",
            *columns,
        ),
        no_loan_restores_a_conflict(
            name,
            "proposed_by_id",
            "approved_by_1_id",
            "approved_by_2_id",
            issuer=issuer,
            roles=roles,
        ),
    ]
