"""Terms are submitted by who drafted them and approved by two other people."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import PolicyVersion


@transaction.atomic
def submit_policy_version(*, version: PolicyVersion, actor: Actor, at: datetime) -> PolicyVersion:
    """draft → submitted. Raises StaleState, NotPermitted, NotFound."""
    policy.require_issuer(actor, version.programme.issuer, *policy.DRAFTERS)
    move_state(version, to="submitted")
    _note("policy_version.submitted", version, actor, at)
    return version


@transaction.atomic
def approve_policy_version(*, version: PolicyVersion, actor: Actor, at: datetime) -> PolicyVersion:
    """First call: submitted → half_approved; second, by another person: → approved.

    Terms take effect at `effective_from`, or at the approval if that is later: nothing is approved
    for the past. Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, version.programme.issuer, *policy.APPROVERS)
    policy.require_somebody_else(actor, version.drafted_by_id, version.approved_by_1_id)
    if version.state != PolicyVersion.State.HALF_APPROVED:
        move_state(version, to="half_approved", approved_by_1_id=actor.person_id)
        _note("policy_version.half_approved", version, actor, at)
        return version
    move_state(
        version,
        to="approved",
        approved_by_2_id=actor.person_id,
        approved_at=at,
        effective_from=max(version.effective_from, at),
    )
    _note("policy_version.approved", version, actor, at)
    return version


def _note(kind: str, version: PolicyVersion, actor: Actor, at: datetime) -> None:
    record(
        kind,
        subject=version,
        actor=actor,
        at=at,
        data={"version": version.label, "terms_digest": version.terms_digest},
    )
