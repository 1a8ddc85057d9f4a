"""Public money earned by a rule for a period: computed, then approved by two other people."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid
from identity.models import Organization
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury.actions.commit_value import commit_value
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.issue_voucher import end_of_day
from vouchers.models import PolicyVersion, Programme, SubsidyAward
from vouchers.queries import evaluate_for
from vouchers.refusals import ProgrammeNotActive


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
) -> SubsidyAward:
    """Compute what the rule grants for [period_start, period_end) and propose it.

    A period that earns nothing is recorded as rejected, with the clause it failed. Raises Invalid
    when the period was awarded before or is empty, ProgrammeNotActive, TermsRefused.
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
    # A period is judged by the rule as of its last instant, however late the award is made.
    last_instant = end_of_day(period_end - timedelta(days=1)) - timedelta(microseconds=1)
    evaluation = evaluate_for(version, beneficiary, facts, at=min(at, last_instant))
    granted = evaluation.decision == "granted"
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
                amount_fen=(evaluation.amount_fen or 0) if granted else 0,
                proposed_by_id=actor.person_id,
                proposed_at=at,
            )
    except IntegrityError as error:
        raise Invalid("period_start", "this period was awarded before", "该期间已评定") from error
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
        },
    )
    return award


@transaction.atomic
def approve_award(*, award: SubsidyAward, actor: Actor, at: datetime) -> SubsidyAward:
    """First call: proposed → half_approved; second, by another person: → approved and proposed
    to the treasury as a payable, which two people there approve.

    Raises SamePerson, EnvelopeExhausted, StaleState, NotPermitted, NotFound.
    """
    programme = award.version.programme
    policy.require_issuer(actor, programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, award.beneficiary)
    policy.require_somebody_else(actor, award.proposed_by_id, award.approved_by_1_id)
    if award.state != SubsidyAward.State.HALF_APPROVED:
        move_state(award, to="half_approved", approved_by_1_id=actor.person_id)
        record("subsidy_award.half_approved", subject=award, actor=actor, at=at)
        return award
    payable = _promise(award, programme, actor, at)
    move_state(
        award,
        to="approved",
        approved_by_2_id=actor.person_id,
        payable_id=payable.pk,
        earned_id=payable.source_account_id,
    )
    record(
        "subsidy_award.approved",
        subject=award,
        actor=actor,
        at=at,
        data={"amount_fen": award.amount_fen, "payable_id": payable.pk},
    )
    return award


def _promise(award: SubsidyAward, programme: Programme, actor: Actor, at: datetime) -> Payable:
    envelope = programme.envelope
    if envelope is None:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    label = award.version.label
    commit_value(
        envelope=envelope,
        amount_fen=award.amount_fen,
        reference=f"award:{award.pk}:commit",
        policy_version=label,
        actor=actor,
        at=at,
    )
    earned = open_account(book=envelope.book, code=f"awd:{award.pk}:earned")
    post_transfer(
        reference=f"award:{award.pk}:earn",
        kind="earn",
        moves=[
            Move(
                open_account(book=envelope.book, code=envelope.account_code("committed")),
                earned,
                award.amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=label,
    )
    return propose_payable(
        payee=award.beneficiary,
        envelope=envelope,
        kind=Payable.Kind.SUBSIDY_AWARD,
        amount_fen=award.amount_fen,
        source_account=earned,
        reference=f"award:{award.pk}",
        policy_version=label,
        actor=actor,
        at=at,
    )
