"""Terms are submitted by who drafted them and approved by two other people, by three when they
reach back before their approval."""

from datetime import datetime

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.recompute_decisions import require_fresh_recomputation
from vouchers.models import PolicyVersion
from vouchers.queries import stacking_problems
from vouchers.refusals import NotSimulated, TermsRefused
from vouchers.rules import RuleError, Terms, TermsError


@transaction.atomic
def submit_policy_version(*, version: PolicyVersion, actor: Actor, at: datetime) -> PolicyVersion:
    """draft → submitted. Raises StaleState, NotPermitted, NotFound."""
    policy.require_issuer(actor, version.programme.issuer, *policy.DRAFTERS)
    move_state(version, to="submitted")
    _note("policy_version.submitted", version, actor, at)
    return version


@transaction.atomic
def approve_policy_version(*, version: PolicyVersion, actor: Actor, at: datetime) -> PolicyVersion:
    """Each call is another person's: submitted → half_approved → approved, and for retroactive
    terms submitted → half_approved → twice_approved → approved.

    Terms take effect at `effective_from`, or at the approval if that is later, unless they are
    retroactive. Approval needs passing test cases and a simulation; that of retroactive terms also
    a recomputation, and the last approver's must still be what would change. Raises NotSimulated,
    TermsRefused for terms that contradict themselves or close a ring of "counted after" with what
    others approved, RecomputationIsStale, SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, version.programme.issuer, *policy.APPROVERS)
    policy.require_somebody_else(
        actor, version.drafted_by_id, version.approved_by_1_id, version.approved_by_2_id
    )
    states = PolicyVersion.State
    if version.state not in (states.HALF_APPROVED, states.TWICE_APPROVED):
        move_state(version, to="half_approved", approved_by_1_id=actor.person_id)
        _note("policy_version.half_approved", version, actor, at)
        return version
    _require_trial(version)
    _require_sound(version)
    if version.state == states.HALF_APPROVED and version.retroactive:
        move_state(version, to="twice_approved", approved_by_2_id=actor.person_id)
        _note("policy_version.twice_approved", version, actor, at)
        return version
    if version.state == states.TWICE_APPROVED:
        require_fresh_recomputation(version)
        signed = {"approved_by_3_id": actor.person_id, "effective_from": version.effective_from}
    else:
        later = max(version.effective_from, at)
        signed = {"approved_by_2_id": actor.person_id, "effective_from": later}
    move_state(version, to="approved", approved_at=at, **signed)
    _note("policy_version.approved", version, actor, at)
    return version


def _require_sound(version: PolicyVersion) -> None:
    """The terms are read again as when they were drafted: what is refused may have grown since, and
    two programmes, each drafted before the other's terms were approved, may close a ring."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7284, 0)")  # one last signature at a time
    try:
        document = Terms.load(version.terms).document
    except RuleError as error:
        raise TermsRefused(error) from error
    if rings := stacking_problems(document):
        raise TermsRefused(TermsError(rings))


def _require_trial(version: PolicyVersion) -> None:
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
            (
                version.retroactive and not version.recomputations.exists(),
                ("a recomputation of past decisions", "追溯差异测算"),
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
