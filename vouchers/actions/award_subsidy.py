"""Public money earned by a rule for a period: computed from a basis, then proposed."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid
from identity.models import Organization
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.issue_voucher import end_of_day
from vouchers.models import AwardBasis, PolicyVersion, Programme, SubsidyAward
from vouchers.queries import evaluate_for
from vouchers.refusals import ProgrammeNotActive
from vouchers.rules import Evaluation, Terms
from vouchers.rules.award_basis import Basis
from vouchers.rules.evidence import award_stages


@transaction.atomic
def propose_award(
    *,
    version: PolicyVersion,
    beneficiary: Organization,
    period_start: date,
    period_end: date,
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
    basis: Basis | None = None,
) -> SubsidyAward:
    """Compute what the rule grants for [period_start, period_end) and propose it.

    With a `basis` gathered from the books, what it says wins over `facts` and is kept with the
    award. A period that earns nothing is recorded as rejected, with the clause it failed. Raises
    Invalid when the period was awarded before or is empty, ProgrammeNotActive, TermsRefused.
    """
    if actor is not SYSTEM:
        policy.require_issuer(actor, version.programme.issuer, *policy.DECIDERS, *policy.REVIEWERS)
    if version.programme.state != Programme.State.ACTIVE or version.state != "approved":
        raise ProgrammeNotActive(programme=version.programme.code, current=version.programme.state)
    if period_end <= period_start:
        raise Invalid("period_end", "must be after the first day", "须晚于起始日")
    # Locking the programme's row orders proposals, so that a yearly cap counts every earlier one.
    Programme.objects.select_for_update(no_key=True).get(pk=version.programme_id)
    earlier = SubsidyAward.objects.filter(
        version__programme=version.programme_id,
        beneficiary=beneficiary,
        period_start__lt=period_end,
        period_end__gt=period_start,
    )
    if earlier.exclude(state="rejected").exists():
        raise Invalid("period_start", "this period was awarded before", "该期间已评定")
    given = {**facts, **(basis.facts if basis is not None else {})}
    evaluation = evaluate_for(version, beneficiary, given, at=judged_at(period_end, at))
    try:
        with transaction.atomic():
            award = SubsidyAward.objects.create(
                version=version,
                beneficiary=beneficiary,
                period_start=period_start,
                period_end=period_end,
                facts=dict(evaluation.facts),
                evaluation=evaluation.as_dict(),
                evaluation_digest=evaluation.digest,
                amount_fen=earned_fen(evaluation),
                stages=list(award_stages(Terms.load(version.terms))),
                proposed_by_id=actor.person_id,
                proposed_at=at,
            )
    except IntegrityError as error:
        raise Invalid("period_start", "this period was awarded before", "该期间已评定") from error
    if basis is not None:
        keep_basis(award, basis, at, number=0)
    if not award.amount_fen:
        move_state(award, to="rejected")
    record(
        "subsidy_award.proposed" if award.amount_fen else "subsidy_award.nothing_earned",
        subject=award,
        actor=actor,
        at=at,
        data={
            "version": version.label,
            "amount_fen": award.amount_fen,
            "evaluation": evaluation.digest,
            "basis": None if basis is None else basis.digest,
        },
    )
    return award


def judged_at(period_end: date, at: datetime) -> datetime:
    """A period is judged by the rule as of its last instant, however late the award is made."""
    last_instant = end_of_day(period_end - timedelta(days=1)) - timedelta(microseconds=1)
    return min(at, last_instant)


def earned_fen(evaluation: Evaluation) -> int:
    """What an evaluation grants, in fen; 0 when it refuses or does not know."""
    return (evaluation.amount_fen or 0) if evaluation.decision == "granted" else 0


def keep_basis(award: SubsidyAward, basis: Basis, at: datetime, *, number: int) -> AwardBasis:
    """Store what was gathered: 0 is what the award itself was computed from, if not stated."""
    return AwardBasis.objects.create(
        award=award,
        number=number,
        document=basis.text,
        digest=basis.digest,
        basis_fen=basis.basis_fen,
        gathered_at=at,
    )
