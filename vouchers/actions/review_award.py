"""An award is signed stage by stage, shown to the public where the terms say so, then owed."""

from datetime import datetime, timedelta

from django.db import transaction

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid, Refusal, StaleState
from identity.models import Organization
from identity.roles import Role
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury.actions.commit_value import commit_value
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from treasury.moves import move_state
from treasury.screens import screened
from vouchers import policy
from vouchers.actions.issue_voucher import end_of_day
from vouchers.actions.review_claim import ROLE_OF_STAGE
from vouchers.models import AwardReview, SubsidyAward
from vouchers.queries import SHANGHAI
from vouchers.refusals import NoticeStillRuns, ObjectionsOpen, ProgrammeNotActive
from vouchers.rules import Terms
from vouchers.rules.evidence import is_shown_to_the_public, notice_days


def _beneficiary(award: SubsidyAward) -> tuple[Organization, list[Organization]]:
    return award.version.programme.issuer, [award.beneficiary]


@screened("approve", "award", _beneficiary)
@transaction.atomic
def approve_award(*, award: SubsidyAward, actor: Actor, at: datetime) -> SubsidyAward:
    """Sign the stage the award is at: proposed → half_approved → (public_notice →) approved.

    The last signature makes it a payable, which two people of the treasury approve, or opens the
    public notice. Raises SamePerson, ConflictOfInterest, ScreenIncomplete, EnvelopeExhausted,
    StaleState, NotPermitted, NotFound.
    """
    _lock(award)
    stage = award.stage
    if stage is None:
        policy.require_issuer(
            actor, award.version.programme.issuer, *policy.DECIDERS, *policy.REVIEWERS
        )
        raise StaleState(thing="subsidy award", current=award.state, needed="half_approved")
    policy.require_issuer(
        actor, award.version.programme.issuer, ROLE_OF_STAGE.get(stage, Role.REVIEWER)
    )
    policy.require_other_side(actor, award.beneficiary)
    signed = award.reviews.values_list("reviewer_id", flat=True)
    policy.require_somebody_else(actor, award.proposed_by_id, *signed)
    AwardReview.objects.create(
        award=award,
        position=award.position,
        stage=stage,
        reviewer_id=actor.person_id or 0,
        reviewed_at=at,
    )
    award.position += 1
    award.save(update_fields=["position"])
    if award.position == 1:
        move_state(award, to="half_approved", approved_by_1_id=actor.person_id)
    if award.position < len(award.stages):
        record("subsidy_award.half_approved", subject=award, actor=actor, at=at)
        return award
    if is_shown_to_the_public(Terms.load(award.version.terms)):
        return _show(award, actor, at)
    return _owe(award, actor, at, approved_by_2_id=actor.person_id)


@transaction.atomic
def reject_award(*, award: SubsidyAward, reason: str, actor: Actor, at: datetime) -> SubsidyAward:
    """Turn an award down before it is approved; its period may be proposed again.

    Raises Invalid without a reason, SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, award.version.programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, award.beneficiary)
    if not reason.strip():
        raise Invalid("reason", "a rejection says why", "须说明理由")
    move_state(award, to="rejected", reason=reason)
    record("subsidy_award.rejected", subject=award, actor=actor, at=at, data={"reason": reason})
    return award


@transaction.atomic
def conclude_award(*, award: SubsidyAward, actor: Actor, at: datetime) -> SubsidyAward:
    """public_notice → approved, once the notice is over. The system may: people signed before.

    Raises NoticeStillRuns, ObjectionsOpen, EnvelopeExhausted, StaleState, NotPermitted, NotFound.
    """
    if actor is not SYSTEM:
        policy.require_issuer(actor, award.version.programme.issuer, *policy.DECIDERS)
        policy.require_other_side(actor, award.beneficiary)
    _lock(award)
    if award.state != SubsidyAward.State.PUBLIC_NOTICE or award.notice_until is None:
        raise StaleState(thing="subsidy award", current=award.state, needed="public_notice")
    if at < award.notice_until:
        raise NoticeStillRuns(until=award.notice_until.isoformat())
    against = award.objections.filter(state__in=["open", "upheld"]).count()
    if against:
        raise ObjectionsOpen(count=against)
    return _owe(award, actor, at)


def conclude_due_awards(*, actor: Actor, at: datetime) -> int:
    """Conclude each award whose notice is over; returns how many."""
    done = 0
    due = SubsidyAward.objects.filter(state="public_notice", notice_until__lte=at).exclude(
        objections__state__in=["open", "upheld"]
    )
    for award in due.order_by("pk"):
        try:
            conclude_award(award=award, actor=actor, at=at)
        except Refusal as refusal:
            with transaction.atomic():
                record(
                    "subsidy_award.waits",
                    subject=award,
                    actor=actor,
                    at=at,
                    data={"why": refusal.code},
                )
        else:
            done += 1
    return done


def owe_award(
    award: SubsidyAward, amount_fen: int, reference: str, actor: Actor, at: datetime
) -> Payable:
    """Promise `amount_fen` of the programme's envelope and propose it for payment.

    Raises ProgrammeNotActive, EnvelopeExhausted, EnvelopeNotOpen.
    """
    programme, label = award.version.programme, award.version.label
    envelope = programme.envelope
    if envelope is None:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    commit_value(
        envelope=envelope,
        amount_fen=amount_fen,
        reference=f"{reference}:commit",
        policy_version=label,
        actor=actor,
        at=at,
    )
    earned = open_account(book=envelope.book, code=f"awd:{reference.removeprefix('award:')}:earned")
    committed = open_account(book=envelope.book, code=envelope.account_code("committed"))
    post_transfer(
        reference=f"{reference}:earn",
        kind="earn",
        moves=[Move(committed, earned, amount_fen)],
        effective_at=at,
        actor=actor,
        policy_version=label,
    )
    return propose_payable(
        payee=award.beneficiary,
        envelope=envelope,
        kind=Payable.Kind.SUBSIDY_AWARD,
        amount_fen=amount_fen,
        source_account=earned,
        reference=reference,
        policy_version=label,
        actor=actor,
        at=at,
    )


def _lock(award: SubsidyAward) -> None:
    """Nobody else moves `award` until the commit; it is read again under the lock."""
    SubsidyAward.objects.select_for_update(no_key=True).get(pk=award.pk)
    award.refresh_from_db()


def _show(award: SubsidyAward, actor: Actor, at: datetime) -> SubsidyAward:
    days = notice_days(Terms.load(award.version.terms))
    until = end_of_day(at.astimezone(SHANGHAI).date() + timedelta(days=days))
    move_state(
        award,
        to="public_notice",
        approved_by_2_id=actor.person_id,
        notice_opened_at=at,
        notice_until=until,
    )
    record("subsidy_award.shown", subject=award, actor=actor, at=at, data={"until": until})
    return award


def _owe(award: SubsidyAward, actor: Actor, at: datetime, **signed: int | None) -> SubsidyAward:
    payable = owe_award(award, award.amount_fen, f"award:{award.pk}", actor, at)
    move_state(
        award,
        to="approved",
        payable_id=payable.pk,
        earned_id=payable.source_account_id,
        **signed,
    )
    record(
        "subsidy_award.approved",
        subject=award,
        actor=actor,
        at=at,
        data={"amount_fen": award.amount_fen, "payable_id": payable.pk},
    )
    return award
