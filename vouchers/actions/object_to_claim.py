"""Anybody logged in may object while a claim is in public notice; another person decides."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound, SamePerson, StaleState
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Claim, Objection


@transaction.atomic
def object_to_claim(*, claim: Claim, text: str, actor: Actor, at: datetime) -> Objection:
    """Raise an objection. Raises StaleState outside the notice, NotFound for the claimant's own,
    Invalid without words.
    """
    claim = Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    if actor.person_id is None or actor.organization_id == claim.claimant_id:
        raise NotFound(thing="claim")
    if not text.strip():
        raise Invalid("text", "an objection says why", "异议须说明理由")
    over = claim.notice_until is None or at >= claim.notice_until
    if claim.state != Claim.State.PUBLIC_NOTICE or over:
        raise StaleState(thing="claim", current=claim.state, needed="public_notice")
    objection = Objection.objects.create(
        claim=claim, raised_by_id=actor.person_id, text=text, raised_at=at
    )
    record("objection.raised", subject=objection, actor=actor, at=at, data={"claim": claim.pk})
    return objection


@transaction.atomic
def decide_objection(
    *, objection: Objection, upheld: bool, reason: str, actor: Actor, at: datetime
) -> Objection:
    """Dismiss it, or uphold it and reject the claim. Whoever reviewed the claim does not decide.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    claim = objection.claim
    policy.require_issuer(actor, claim.programme.issuer, *policy.REVIEWERS, *policy.DECIDERS)
    policy.require_other_side(actor, claim.claimant)
    policy.require_somebody_else(actor, objection.raised_by_id)
    if claim.reviews.filter(reviewer=actor.person_id or 0).exists():
        raise SamePerson(
            first="review the claim",
            second="decide an objection to it",
            first_zh="审核该申请",
            second_zh="处理其异议",
        )
    if claim.state != Claim.State.PUBLIC_NOTICE:
        raise StaleState(thing="claim", current=claim.state, needed="public_notice")
    move_state(
        objection,
        to="upheld" if upheld else "dismissed",
        decided_by_id=actor.person_id,
        decision=reason,
        decided_at=at,
    )
    if upheld:
        move_state(claim, to="rejected", reason=reason)
    record(
        "objection.decided",
        subject=objection,
        actor=actor,
        at=at,
        data={"claim": claim.pk, "upheld": upheld, "reason": reason},
    )
    return objection
