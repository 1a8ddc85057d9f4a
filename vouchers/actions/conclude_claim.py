"""The notice is over and nothing stands against the claim: it is approved and owed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Refusal, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury.actions.commit_value import commit_value
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Claim
from vouchers.refusals import NoticeStillRuns, ObjectionsOpen, ProgrammeNotActive


@transaction.atomic
def conclude_claim(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """public_notice → approved, and proposed to the treasury, where two people approve payment.

    The system may conclude: people decided stage by stage. Raises NoticeStillRuns, ObjectionsOpen,
    EnvelopeExhausted, StaleState, NotPermitted, NotFound.
    """
    if actor is not SYSTEM:
        policy.require_issuer(actor, claim.programme.issuer, *policy.DECIDERS)
        policy.require_other_side(actor, claim.claimant)
    claim = Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    if claim.state != Claim.State.PUBLIC_NOTICE or claim.notice_until is None:
        raise StaleState(thing="claim", current=claim.state, needed="public_notice")
    if at < claim.notice_until:
        raise NoticeStillRuns(until=claim.notice_until.isoformat())
    against = claim.objections.filter(
        state__in=["open", "upheld"], raised_at__gte=claim.notice_opened_at
    ).count()
    if against:
        raise ObjectionsOpen(count=against)
    payable = _owe(claim, actor, at)
    move_state(
        claim,
        to="approved",
        approved_at=at,
        payable_id=payable.pk,
        earned_id=payable.source_account_id,
    )
    record(
        "claim.approved",
        subject=claim,
        actor=actor,
        at=at,
        data={"amount_fen": claim.amount_fen, "payable_id": payable.pk},
    )
    return claim


def _owe(claim: Claim, actor: Actor, at: datetime) -> Payable:
    envelope, label = claim.programme.envelope, claim.version.label
    if envelope is None:
        raise ProgrammeNotActive(programme=claim.programme.code, current=claim.programme.state)
    commit_value(
        envelope=envelope,
        amount_fen=claim.amount_fen,
        reference=f"claim:{claim.pk}:commit",
        policy_version=label,
        actor=actor,
        at=at,
    )
    earned = open_account(book=envelope.book, code=f"clm:{claim.pk}:earned")
    committed = open_account(book=envelope.book, code=envelope.account_code("committed"))
    post_transfer(
        reference=f"claim:{claim.pk}:earn",
        kind="earn",
        moves=[Move(committed, earned, claim.amount_fen)],
        effective_at=at,
        actor=actor,
        policy_version=label,
    )
    return propose_payable(
        payee=claim.claimant,
        envelope=envelope,
        kind=Payable.Kind.CLAIM,
        amount_fen=claim.amount_fen,
        source_account=earned,
        reference=f"claim:{claim.pk}",
        policy_version=label,
        actor=actor,
        at=at,
    )


def conclude_due_claims(*, actor: Actor, at: datetime) -> int:
    """Conclude each claim whose notice is over and undisputed; returns how many."""
    done = 0
    due = Claim.objects.filter(state="public_notice", notice_until__lte=at).exclude(
        objections__state__in=["open", "upheld"]
    )
    for claim in due.order_by("pk"):
        try:
            conclude_claim(claim=claim, actor=actor, at=at)
        except Refusal as refusal:
            with transaction.atomic():
                record("claim.waits", subject=claim, actor=actor, at=at, data={"why": refusal.code})
        else:
            done += 1
    return done
