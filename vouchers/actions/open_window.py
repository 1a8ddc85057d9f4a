"""Open a claim window: another person signs, the money is set aside, a lottery commits."""

import secrets
from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from ledger.actions.open_account import open_account
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.fund_window import set_aside
from vouchers.claiming.draw_order import commitment_of
from vouchers.models import ClaimWindow
from vouchers.models.windows import WindowSeed


@transaction.atomic
def open_window(*, window: ClaimWindow, actor: Actor, at: datetime) -> ClaimWindow:
    """drafted → open. Claims are taken from `opens_at` on; opening it a second time is refused.

    The tranche leaves the envelope at once, so what is announced is there. A lottery draws its
    secret seed now and publishes only its hash. Raises Invalid when the window would be over,
    EnvelopeExhausted, EnvelopeNotOpen, SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, window.programme.issuer, *policy.APPROVERS)
    policy.require_somebody_else(actor, window.drafted_by_id)
    if at >= window.closes_at:
        raise Invalid("closes_at", "this instant is past", "该时间已过")
    seed = secrets.token_hex(32) if window.order == ClaimWindow.Order.LOTTERY else None
    book = window.envelope.book
    remaining = open_account(book=book, code=window.account_code("remaining"))
    granted = open_account(book=book, code=window.account_code("granted"))
    move_state(
        window,
        to="open",
        opened_by_id=actor.person_id,
        opened_at=at,
        remaining_id=remaining.pk,
        granted_id=granted.pk,
        seed_commitment=commitment_of(seed) if seed else None,
    )
    if seed:
        WindowSeed.objects.create(window=window, seed=seed)
    set_aside(window=window, amount_fen=window.tranche_fen, reference="open", actor=actor, at=at)
    record(
        "claim_window.opened",
        subject=window,
        actor=actor,
        at=at,
        data={"tranche_fen": window.tranche_fen, "seed_commitment": window.seed_commitment},
    )
    return window


@transaction.atomic
def cancel_window(*, window: ClaimWindow, actor: Actor, at: datetime) -> ClaimWindow:
    """drafted → cancelled. Raises StaleState, NotPermitted, NotFound."""
    policy.require_issuer(actor, window.programme.issuer, *policy.DRAFTERS, *policy.APPROVERS)
    move_state(window, to="cancelled")
    record("claim_window.cancelled", subject=window, actor=actor, at=at)
    return window
