"""A second person approves an appropriation, and the money moves."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.models import Appropriation, Envelope
from treasury.moves import move_state


@transaction.atomic
def approve_appropriation(
    *, appropriation: Appropriation, actor: Actor, at: datetime
) -> Appropriation:
    """Approve and post `fund → available` (→ `unreleased` of an envelope in tranches).

    Raises NotPermitted, SamePerson, StaleState.
    """
    envelope = appropriation.envelope
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET_APPROVERS)
    policy.require_another_person(
        actor,
        appropriation.proposed_by_id,
        first="propose an appropriation",
        second="approve it",
        first_zh="提出预算安排",
        second_zh="批准该安排",
    )
    # The envelope first, as everywhere: two transactions then never wait for each other.
    Envelope.objects.select_for_update(no_key=True).get(pk=envelope.pk)
    fund = open_account(
        book=envelope.book, code=f"fund:{appropriation.funding_source_id}", floor_fen=None
    )
    entrance = open_account(book=envelope.book, code=envelope.entrance_code)
    transfer = post_transfer(
        reference=f"appropriation:{appropriation.pk}",
        kind="appropriate",
        moves=[Move(fund, entrance, appropriation.amount_fen)],
        effective_at=at,
        actor=actor,
    )
    move_state(
        appropriation,
        to=Appropriation.State.APPROVED,
        approved_by_id=actor.person_id,
        approved_at=at,
        transfer=transfer,
    )
    record(
        "appropriation.approved",
        subject=appropriation,
        actor=actor,
        at=at,
        data={
            "envelope_id": envelope.pk,
            "kind": appropriation.kind,
            "amount_fen": appropriation.amount_fen,
            "proposed_by": appropriation.proposed_by_id,
            "transfer": transfer.reference,
        },
    )
    if envelope.state == Envelope.State.DRAFTED:
        move_state(envelope, to=Envelope.State.APPROPRIATED)
        record("envelope.appropriated", subject=envelope, actor=actor, at=at)
    return appropriation
