"""Money in and out of a claim window: set aside from its envelope, added to, given back."""

from datetime import datetime

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account
from treasury.actions.commit_value import commit_value, uncommit_value
from vouchers import policy
from vouchers.models import ClaimWindow


def set_aside(
    *, window: ClaimWindow, amount_fen: int, reference: str, actor: Actor, at: datetime
) -> None:
    """Move `amount_fen` from the envelope into the window. Raises EnvelopeExhausted and others."""
    label = window.version.label
    commit_value(
        envelope=window.envelope,
        amount_fen=amount_fen,
        reference=f"window:{window.pk}:{reference}:commit",
        policy_version=label,
        actor=actor,
        at=at,
    )
    post_transfer(
        reference=f"window:{window.pk}:{reference}:allocate",
        kind="allocate",
        moves=[Move(_committed(window), _remaining(window), amount_fen)],
        effective_at=at,
        actor=actor,
        policy_version=label,
    )


def put_back(*, window: ClaimWindow, actor: Actor, at: datetime) -> int:
    """Move what remains in the window back to its envelope; returns how much (fen)."""
    remaining = _remaining(window)
    left_fen = Account.objects.select_for_update().get(pk=remaining.pk).balance_fen
    if left_fen:
        label = window.version.label
        post_transfer(
            reference=f"window:{window.pk}:close:return",
            kind="return_to_env",
            moves=[Move(remaining, _committed(window), left_fen)],
            effective_at=at,
            actor=actor,
            policy_version=label,
        )
        uncommit_value(
            envelope=window.envelope,
            amount_fen=left_fen,
            reference=f"window:{window.pk}:close:uncommit",
            policy_version=label,
            actor=actor,
            at=at,
        )
    return left_fen


@transaction.atomic
def top_up_window(
    *, window: ClaimWindow, amount_fen: int, reference: str, actor: Actor, at: datetime
) -> ClaimWindow:
    """Add `amount_fen` to the window; who waits is served at once, in the order of places.

    Idempotent on `reference`. Raises EnvelopeExhausted, StaleState unless open or drawn,
    SamePerson, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, window.programme.issuer, *policy.APPROVERS)
    policy.require_somebody_else(actor, window.drafted_by_id)
    window = locked(window)
    if window.state not in ("open", "drawn"):
        raise StaleState(thing="claim window", current=window.state, needed="open / drawn")
    before = _remaining(window).balance_fen
    set_aside(
        window=window, amount_fen=amount_fen, reference=f"top-up:{reference}", actor=actor, at=at
    )
    if _remaining(window).balance_fen == before:
        return window  # the same reference came again
    window.tranche_fen += amount_fen
    window.save(update_fields=["tranche_fen"])
    served = promote_waiting(window_id=window.pk)
    record(
        "claim_window.topped_up",
        subject=window,
        actor=actor,
        at=at,
        data={"amount_fen": amount_fen, "served": served},
    )
    return window


def promote_waiting(*, window_id: int) -> int:
    """Serve the waiting list from what is left, in the order of places; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT vouchers_promote_waiting(%s)", [window_id])
        return int(cursor.fetchone()[0])


def locked(window: ClaimWindow) -> ClaimWindow:
    """The window as it is now, locked: every decision about it is taken under this lock."""
    return (
        ClaimWindow.objects.select_for_update(of=("self",), no_key=True)
        .select_related("programme__issuer", "version__programme", "envelope__book")
        .get(pk=window.pk)
    )


def _remaining(window: ClaimWindow) -> Account:
    return Account.objects.select_related("book").get(pk=window.remaining_id or 0)


def _committed(window: ClaimWindow) -> Account:
    envelope = window.envelope
    return open_account(book=envelope.book, code=envelope.account_code("committed"))
