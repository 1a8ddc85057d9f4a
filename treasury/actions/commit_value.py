"""Promise part of an envelope, exactly down to the last fen; or take a promise back.

Called by the rooms that know what is promised and why; their policies decide who may.
"""

from datetime import datetime

from django.db import transaction

from audit.decisions import Actor
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Transfer
from ledger.refusals import InsufficientFunds
from treasury.models import Envelope
from treasury.refusals import EnvelopeExhausted, EnvelopeNotOpen


@transaction.atomic
def commit_value(
    *,
    envelope: Envelope,
    amount_fen: int,
    reference: str,
    policy_version: str,
    actor: Actor,
    at: datetime,
) -> Transfer:
    """Post `available → committed`. Idempotent on `reference`.

    Raises EnvelopeNotOpen, EnvelopeExhausted, and what post_transfer raises.
    """
    # Locked until the commit, so a freeze takes effect between commitments and never within one.
    held = Envelope.objects.select_for_update(no_key=True).get(pk=envelope.pk)
    if (
        held.state != Envelope.State.OPEN
        and not Transfer.objects.filter(reference=reference).exists()
    ):
        raise EnvelopeNotOpen(envelope=held.name, current=held.state)
    try:
        return post_transfer(
            reference=reference,
            kind="commit",
            moves=[
                Move(
                    open_account(book=held.book, code=held.account_code("available")),
                    open_account(book=held.book, code=held.account_code("committed")),
                    amount_fen,
                )
            ],
            effective_at=at,
            actor=actor,
            policy_version=policy_version,
        )
    except InsufficientFunds as refusal:
        raise EnvelopeExhausted(envelope=held.name, amount_fen=amount_fen) from refusal


@transaction.atomic
def uncommit_value(
    *,
    envelope: Envelope,
    amount_fen: int,
    reference: str,
    policy_version: str,
    actor: Actor,
    at: datetime,
) -> Transfer:
    """Post `committed → available`; once the envelope is closing, `committed → lapse` instead.

    Value given back after its year lapses to that year, never into a new one. Idempotent on
    `reference`: a promise taken back before the closing is not taken back again after it.

    Raises InsufficientFunds when less is committed, and what post_transfer raises.
    """
    held = Envelope.objects.select_for_update(no_key=True).get(pk=envelope.pk)
    earlier = Transfer.objects.filter(reference=reference).first()
    ended = held.state in (Envelope.State.CLOSING, Envelope.State.CLOSED)
    lapses = earlier.kind == "lapse" if earlier is not None else ended
    code = held.lapse_code if lapses else held.account_code("available")
    return post_transfer(
        reference=reference,
        kind={False: "return_to_env", True: "lapse"}[lapses],
        moves=[
            Move(
                open_account(book=held.book, code=held.account_code("committed")),
                open_account(book=held.book, code=code),
                amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=policy_version,
    )
