"""What interrupts a claim: a supplement, a withdrawal, a hold, an appeal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound, StaleState
from identity.policy import require_role
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.review_claim import answer_stage
from vouchers.actions.submit_claim import keep_evidence
from vouchers.models import Claim, ClaimEvidence, ClaimReview
from vouchers.rules.evidence import fingerprint


def _own(claim: Claim, actor: Actor) -> Claim:
    require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != claim.claimant_id:
        raise NotFound(thing="claim")
    return Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)


def _clock_on(claim: Claim, at: datetime) -> dict[str, Any]:
    """The clock runs again: what it stood is added up."""
    stood = at - claim.clock_stopped_at if claim.clock_stopped_at else None
    seconds = int(stood.total_seconds()) if stood else 0
    return {"clock_stopped_at": None, "stopped_seconds": claim.stopped_seconds + seconds}


@transaction.atomic
def supplement_claim(
    *,
    claim: Claim,
    usages: Sequence[Mapping[str, Any]],
    payments: Sequence[Mapping[str, Any]],
    note: str,
    actor: Actor,
    at: datetime,
) -> Claim:
    """returned → in_review at the stage that asked; what is handed in adds to what is there.

    A supplement explains an amount and never raises it. Raises EvidenceUsedBefore, Invalid,
    StaleState, NotPermitted, NotFound.
    """
    claim = _own(claim, actor)
    if claim.state != Claim.State.RETURNED:
        raise StaleState(thing="claim", current=claim.state, needed="returned")
    if not (note or usages or payments):
        raise Invalid("note", "a supplement says or brings something", "补正须有说明或材料")
    pieces = [
        ClaimEvidence(
            kind=kind,
            number=one["number"],
            dated_on=one["paid_on" if kind == "payment" else "ends_on"],
            amount_fen=one["amount_fen"],
            document_digest=one["document_sha256"],
            fingerprint=fingerprint(kind, *words, one["number"]),
            starts_on=one.get("starts_on"),
            ends_on=one.get("ends_on"),
        )
        for kind, words, rows in (
            ("payment", (), payments),
            ("usage", (claim.seller_uscc,), usages),
        )
        for one in rows
    ]
    keep_evidence(claim, pieces)
    move_state(claim, to="in_review", reason=note, **_clock_on(claim, at))
    record(
        "claim.supplemented",
        subject=claim,
        actor=actor,
        at=at,
        data={"note": note, "fingerprints": [each.fingerprint for each in pieces]},
    )
    return claim


@transaction.atomic
def withdraw_claim(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """The claimant takes it back before approval; its evidence is free again.

    Raises StaleState, NotPermitted, NotFound.
    """
    claim = _own(claim, actor)
    move_state(claim, to="withdrawn", clock_stopped_at=None)
    claim.evidence.update(standing=False)
    record("claim.withdrawn", subject=claim, actor=actor, at=at)
    return claim


@transaction.atomic
def hold_claim(*, claim: Claim, reason: str, actor: Actor, at: datetime) -> Claim:
    """An analyst stops a claim under suspicion; the clock stands.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, claim.programme.issuer, *policy.HOLDERS)
    policy.require_other_side(actor, claim.claimant)
    seen = claim.state
    move_state(claim, to="on_hold", held_from=seen, reason=reason, clock_stopped_at=at)
    record("claim.held", subject=claim, actor=actor, at=at, data={"reason": reason})
    return claim


@transaction.atomic
def release_claim(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """on_hold → where it was; a public notice runs longer by what the clock stood.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, claim.programme.issuer, *policy.HOLDERS)
    policy.require_other_side(actor, claim.claimant)
    claim = Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    if claim.state != Claim.State.ON_HOLD or claim.clock_stopped_at is None:
        raise StaleState(thing="claim", current=claim.state, needed="on_hold")
    later = _clock_on(claim, at)
    if claim.held_from == Claim.State.PUBLIC_NOTICE and claim.notice_until:
        later["notice_until"] = claim.notice_until + (at - claim.clock_stopped_at)
    move_state(claim, to=claim.held_from, held_from="", **later)
    record("claim.released", subject=claim, actor=actor, at=at)
    return claim


@transaction.atomic
def appeal_claim(*, claim: Claim, reason: str, actor: Actor, at: datetime) -> Claim:
    """rejected → appealed, by the claimant. Raises StaleState, NotPermitted, NotFound."""
    claim = _own(claim, actor)
    move_state(claim, to="appealed", reason=reason)
    record("claim.appealed", subject=claim, actor=actor, at=at, data={"reason": reason})
    return claim


@transaction.atomic
def hear_appeal(*, claim: Claim, admitted: bool, reason: str, actor: Actor, at: datetime) -> Claim:
    """Somebody who did not answer before hears the appeal: back to the stage that refused, or no.

    What an admitted appeal reopens is answered by another person again. Raises SamePerson,
    StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, claim.programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, claim.claimant)
    claim = Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    if claim.state != Claim.State.APPEALED:
        raise StaleState(thing="claim", current=claim.state, needed="appealed")
    outcome = ClaimReview.Outcome
    chosen = outcome.APPEAL_ADMITTED if admitted else outcome.APPEAL_DISMISSED
    answer_stage(claim, "appeal", chosen, reason, actor, at)
    if admitted:
        position = min(claim.position, len(claim.stages) - 1)
        move_state(claim, to="in_review", round=claim.round + 1, position=position)
    else:
        move_state(claim, to="rejected", round=claim.round + 1, reason=reason)
    record(
        "claim.appeal_heard",
        subject=claim,
        actor=actor,
        at=at,
        data={"admitted": admitted, "reason": reason},
    )
    return claim
