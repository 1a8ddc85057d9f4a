"""Terms are submitted by who drafted them and approved by two other people."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import PolicyVersion
from vouchers.refusals import NotSimulated


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
    for the past. Terms that replace others need passing test cases and a simulation. Raises
    NotSimulated, SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, version.programme.issuer, *policy.APPROVERS)
    policy.require_somebody_else(actor, version.drafted_by_id, version.approved_by_1_id)
    if version.state != PolicyVersion.State.HALF_APPROVED:
        move_state(version, to="half_approved", approved_by_1_id=actor.person_id)
        _note("policy_version.half_approved", version, actor, at)
        return version
    _require_simulation(version)
    move_state(
        version,
        to="approved",
        approved_by_2_id=actor.person_id,
        approved_at=at,
        effective_from=max(version.effective_from, at),
    )
    _note("policy_version.approved", version, actor, at)
    return version


def _require_simulation(version: PolicyVersion) -> None:
    others = version.programme.versions.exclude(pk=version.pk)
    if not others.filter(state__in=["approved", "superseded"]).exists():
        return
    cases = list(version.test_cases.all())
    lacking = [
        words
        for missing, words in (
            (not version.simulations.exists(), ("a simulation", "模拟测算")),
            (not cases, ("test cases", "测试用例")),
            (
                any(not case.passes for case in cases),
                ("test cases that all pass", "全部通过的测试用例"),
            ),
        )
        if missing
    ]
    if lacking:
        raise NotSimulated(
            version=version.label,
            lacking=", ".join(english for english, _chinese in lacking),
            lacking_zh="、".join(chinese for _english, chinese in lacking),
        )


def _note(kind: str, version: PolicyVersion, actor: Actor, at: datetime) -> None:
    record(
        kind,
        subject=version,
        actor=actor,
        at=at,
        data={"version": version.label, "terms_digest": version.terms_digest},
    )
