"""The bank confirmed a payment: what it was for is settled. It came back after all: it is not."""

from datetime import datetime

from django.db import models, transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury.models import Payable
from treasury.moves import move_state
from vouchers.actions.clear_regions import settle_clearing, unsettle_clearing
from vouchers.models import AwardCorrection, Claim, Redemption, SubsidyAward

# What a payable may be for: its state while it is owed, and once it is paid.
OWED_AND_PAID: tuple[tuple[type[models.Model], str, str, str], ...] = (
    (Redemption, "redemption", "payable", "settled"),
    (SubsidyAward, "subsidy_award", "approved", "paid"),
    (Claim, "claim", "approved", "paid"),
    (AwardCorrection, "award_correction", "approved", "paid"),
)


@transaction.atomic
def settle_payable(*, payable: Payable, actor: Actor, at: datetime) -> None:
    """Mark the redemption, award or claim behind a paid payable; a second call changes nothing."""
    for model, noun, owed, paid in OWED_AND_PAID:
        _follow(model, noun, payable, (owed, paid, paid), actor, at)
    settle_clearing(payable=payable, actor=actor, at=at)


@transaction.atomic
def unsettle_payable(*, payable: Payable, actor: Actor, at: datetime) -> None:
    """The bank returned a confirmed payment: what it was for is owed again, until it is reissued.

    A payable that was paid again meanwhile stays as it is, and so does a second call.
    """
    payable.refresh_from_db()
    if payable.state == Payable.State.PAID:
        return
    for model, noun, owed, paid in OWED_AND_PAID:
        _follow(model, noun, payable, (paid, owed, "unpaid"), actor, at)
    unsettle_clearing(payable=payable, actor=actor, at=at)


def _follow(
    model: type[models.Model],
    noun: str,
    payable: Payable,
    move: tuple[str, str, str],
    actor: Actor,
    at: datetime,
) -> None:
    """Move what the payable is for from the first state to the second, told by the third."""
    before, after, told = move
    subject = model._default_manager.filter(payable=payable, state=before).first()
    if subject is not None:
        move_state(subject, to=after)
        record(f"{noun}.{told}", subject=subject, actor=actor, at=at)
