"""Anybody logged in may object to a claim or an award in public notice; another person decides."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound, SamePerson, StaleState
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Claim, Objection, SubsidyAward


@transaction.atomic
def object_to(*, noticed: Claim | SubsidyAward, text: str, actor: Actor, at: datetime) -> Objection:
    """Raise an objection. Raises StaleState outside the notice, NotFound for who would be paid,
    Invalid without words.
    """
    noticed = _locked(noticed)
    thing = "claim" if isinstance(noticed, Claim) else "subsidy award"
    if actor.person_id is None or actor.organization_id == _payee_id(noticed):
        raise NotFound(thing=thing)
    if not text.strip():
        raise Invalid("text", "an objection says why", "异议须说明理由")
    over = noticed.notice_until is None or at >= noticed.notice_until
    if noticed.state != "public_notice" or over:
        raise StaleState(thing=thing, current=noticed.state, needed="public_notice")
    objection = Objection.objects.create(
        claim=noticed if isinstance(noticed, Claim) else None,
        award=noticed if isinstance(noticed, SubsidyAward) else None,
        raised_by_id=actor.person_id,
        text=text,
        raised_at=at,
    )
    record("objection.raised", subject=objection, actor=actor, at=at, data=_told(objection))
    return objection


@transaction.atomic
def decide_objection(
    *, objection: Objection, upheld: bool, reason: str, actor: Actor, at: datetime
) -> Objection:
    """Dismiss it, or uphold it and reject what it stands against. Whoever proposed or reviewed
    that does not decide.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    noticed = _locked(objection.against)
    programme = noticed.programme if isinstance(noticed, Claim) else noticed.version.programme
    policy.require_issuer(actor, programme.issuer, *policy.REVIEWERS, *policy.DECIDERS)
    payee = noticed.claimant if isinstance(noticed, Claim) else noticed.beneficiary
    policy.require_other_side(actor, payee)
    proposer = noticed.proposed_by_id if isinstance(noticed, SubsidyAward) else None
    policy.require_somebody_else(actor, objection.raised_by_id, proposer)
    if noticed.reviews.filter(reviewer=actor.person_id or 0).exists():
        raise SamePerson(
            first="review",
            second="decide an objection to it",
            first_zh="审核",
            second_zh="处理其异议",
        )
    if noticed.state != "public_notice":
        raise StaleState(thing="objection", current=noticed.state, needed="public_notice")
    move_state(
        objection,
        to="upheld" if upheld else "dismissed",
        decided_by_id=actor.person_id,
        decision=reason,
        decided_at=at,
    )
    if upheld:
        move_state(noticed, to="rejected", reason=reason)
    record(
        "objection.decided",
        subject=objection,
        actor=actor,
        at=at,
        data={**_told(objection), "upheld": upheld, "reason": reason},
    )
    return objection


def _locked(noticed: Claim | SubsidyAward) -> Claim | SubsidyAward:
    if isinstance(noticed, Claim):
        return Claim.objects.select_for_update(no_key=True).get(pk=noticed.pk)
    return SubsidyAward.objects.select_for_update(no_key=True).get(pk=noticed.pk)


def _payee_id(noticed: Claim | SubsidyAward) -> int:
    return noticed.claimant_id if isinstance(noticed, Claim) else noticed.beneficiary_id


def _told(objection: Objection) -> dict[str, int | None]:
    return {"claim": objection.claim_id} if objection.claim_id else {"award": objection.award_id}
