"""Accepted usage spends the hold, wholly or in part; the rest goes back, or lapses."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.resolve_hold import expire_hold, post_hold, void_hold
from ledger.models import Account, Hold
from treasury.moves import move_state
from vouchers.models import Redemption, Voucher


@transaction.atomic
def commit_redemption(
    *, redemption: Redemption, amount_fen: int, actor: Actor, at: datetime
) -> Redemption:
    """reserved → committed: `amount_fen` is earned by the provider.

    A hold made while the voucher was valid is honored after its validity; what is then left over
    lapses to the envelope of the original year. Raises StaleState, HoldExpired, HoldResolved,
    InvalidPosting (more than was reserved).
    """
    voucher = redemption.voucher
    earned = open_account(book=voucher.envelope.book, code=f"rdm:{redemption.pk}:earned")
    post_hold(
        hold=_hold_of(redemption),
        amount_fen=amount_fen,
        destination=earned,
        remainder_to=remainder_home(voucher, at=at),
        actor=actor,
        at=at,
    )
    move_state(redemption, to="committed", committed_fen=amount_fen, earned_id=earned.pk)
    record(
        "redemption.committed",
        subject=redemption,
        actor=actor,
        at=at,
        data={"amount_fen": amount_fen, "reserved_fen": redemption.reserved_fen},
    )
    return redemption


@transaction.atomic
def release_redemption(*, redemption: Redemption, actor: Actor, at: datetime) -> Redemption:
    """reserved → released: the whole hold goes back to the voucher, or lapses."""
    void_hold(
        hold=_hold_of(redemption),
        remainder_to=remainder_home(redemption.voucher, at=at),
        actor=actor,
        at=at,
    )
    move_state(redemption, to="released")
    record("redemption.released", subject=redemption, actor=actor, at=at)
    return redemption


@transaction.atomic
def expire_redemption(*, redemption: Redemption, actor: Actor, at: datetime) -> Redemption:
    """reserved → lapsed: the hold's deadline passed."""
    expire_hold(
        hold=_hold_of(redemption),
        remainder_to=remainder_home(redemption.voucher, at=at),
        actor=actor,
        at=at,
    )
    move_state(redemption, to="lapsed")
    record("redemption.lapsed", subject=redemption, actor=actor, at=at)
    return redemption


def _hold_of(redemption: Redemption) -> Hold:
    if redemption.hold is None:  # redeemed at once: nothing was set aside
        raise StaleState(thing="redemption", current=redemption.state, needed="reserved")
    return redemption.hold


def remainder_home(voucher: Voucher, *, at: datetime) -> Account | None:
    """Where released value goes: None, back to the voucher; after its validity, the lapse account
    of its envelope, which is in the book of the original year.

    The voucher stays locked until the transaction ends: one that expires meanwhile would otherwise
    get back value that nothing lapses any more.
    """
    held = Voucher.objects.select_for_update(no_key=True).get(pk=voucher.pk)
    over = held.state in (Voucher.State.EXPIRED, Voucher.State.VOIDED)
    if not over and at < held.valid_until:
        return None
    return open_account(book=voucher.envelope.book, code=voucher.envelope.lapse_code)
