"""Approve a payable: one person, then another; the second approval makes it owed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.models import Payable
from treasury.moves import move_state
from treasury.screens import refuse_conflicts


def approve_payable(*, payable: Payable, actor: Actor, at: datetime) -> Payable:
    """First call: proposed → half_approved; second, by another person: → approved, and
    `source_account → pay:{payee}:payable` is posted.

    Before either, the actor is screened for ties to the payee; the screen is kept whatever it says.
    Raises NotPermitted, SamePerson (also for who proposed it), ConflictOfInterest,
    ScreenIncomplete (where the issuer asks for clean screens), StaleState, InsufficientFunds.
    """
    policy.require_issuer(actor, payable.issuer, *policy.PAYABLE_APPROVERS)
    policy.require_another_person(
        actor,
        payable.proposed_by_id,
        payable.approved_by_1_id,
        first="propose or approve a payable",
        second="approve it again",
        first_zh="提出或批准应付款",
        second_zh="再次批准",
    )
    # Outside the transaction that signs, so that a refusal does not take its own record with it.
    refuse_conflicts(
        "approve", payable, issuer=payable.issuer, concerned=[payable.payee], actor=actor, at=at
    )
    return _sign(payable, actor, at)


@transaction.atomic
def _sign(payable: Payable, actor: Actor, at: datetime) -> Payable:
    facts = {
        "reference": payable.reference,
        "kind": payable.kind,
        "payee_id": payable.payee_id,
        "amount_fen": payable.amount_fen,
    }
    if payable.state != Payable.State.HALF_APPROVED:
        move_state(payable, to=Payable.State.HALF_APPROVED, approved_by_1_id=actor.person_id)
        record("payable.half_approved", subject=payable, actor=actor, at=at, data=facts)
        return payable
    transfer = post_transfer(
        reference=f"payable:{payable.pk}:approve",
        kind="approve_payable",
        moves=[
            Move(
                payable.source_account,
                open_account(book=payable.book, code=payable.account_code),
                payable.amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=payable.policy_version,
    )
    move_state(
        payable,
        to=Payable.State.APPROVED,
        approved_by_2_id=actor.person_id,
        approved_at=at,
        transfer=transfer,
    )
    record("payable.approved", subject=payable, actor=actor, at=at, data=facts)
    return payable
