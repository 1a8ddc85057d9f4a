"""Two people release a tranche: unreleased money becomes available for issue."""

from datetime import datetime

from django.db import transaction

from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Transfer
from ledger.refusals import InsufficientFunds
from treasury import policy
from treasury.models import Envelope, Tranche
from treasury.proposals import sign, turn_down
from treasury.refusals import NotSoMuchUnreleased


@transaction.atomic
def approve_tranche(*, tranche: Tranche, actor: Actor, at: datetime) -> Tranche:
    """First signature, then the second, which posts `unreleased → available`.

    Raises NotPermitted, SamePerson, StaleState, NotSoMuchUnreleased.
    """
    envelope = Envelope.objects.select_for_update(no_key=True).get(pk=tranche.envelope_id)
    sign(
        tranche,
        issuer=envelope.issuer,
        roles=policy.BUDGET_APPROVERS,
        noun="tranche",
        facts={"envelope_id": envelope.pk, "number": tranche.number},
        post=lambda: _post(tranche, envelope, actor, at),
        actor=actor,
        at=at,
    )
    return tranche


@transaction.atomic
def reject_tranche(*, tranche: Tranche, reason: str, actor: Actor, at: datetime) -> Tranche:
    """Turn it down; nothing was posted. Raises NotPermitted, StaleState."""
    turn_down(
        tranche,
        issuer=tranche.envelope.issuer,
        roles=policy.BUDGET_APPROVERS,
        noun="tranche",
        reason=reason,
        actor=actor,
        at=at,
    )
    return tranche


def _post(tranche: Tranche, envelope: Envelope, actor: Actor, at: datetime) -> Transfer:
    if envelope.state in (Envelope.State.CLOSING, Envelope.State.CLOSED):
        raise StaleState(
            thing=Envelope._meta.verbose_name_raw, current=envelope.state, needed="drafted … frozen"
        )
    book = envelope.book
    try:
        return post_transfer(
            reference=f"tranche:{tranche.pk}",
            kind="release_tranche",
            moves=[
                Move(
                    open_account(book=book, code=envelope.account_code("unreleased")),
                    open_account(book=book, code=envelope.account_code("available")),
                    tranche.amount_fen,
                )
            ],
            effective_at=at,
            actor=actor,
        )
    except InsufficientFunds as refusal:
        raise NotSoMuchUnreleased(
            envelope=envelope.name, amount_fen=tranche.amount_fen
        ) from refusal
