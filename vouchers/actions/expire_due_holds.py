"""Holds whose deadline has passed give back what they held."""

from datetime import datetime

from audit.decisions import Actor, StaleState
from ledger.queries import open_holds
from ledger.refusals import HoldResolved
from vouchers.actions.commit_redemption import expire_redemption
from vouchers.models import Redemption

CHUNK = 500


def expire_due_holds(*, actor: Actor, at: datetime) -> int:
    """Expire redemptions whose hold is due at `at`, each in its own transaction; returns how many.

    Safe beside a usage report that commits the same hold: the ledger lets one of them win.
    """
    expired = 0
    due = open_holds(due_by=at).values_list("pk", flat=True)[:CHUNK]
    redemptions = Redemption.objects.select_related("hold", "voucher__envelope__book")
    for redemption in redemptions.filter(hold__in=list(due)):
        try:
            expire_redemption(redemption=redemption, actor=actor, at=at)
        except (HoldResolved, StaleState):
            continue  # somebody else resolved it since we looked
        expired += 1
    return expired
