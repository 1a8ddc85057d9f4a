"""The books changed after an award: the difference is computed, raised, and decided by two."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid
from identity.models import Organization
from treasury.actions.open_recovery import open_recovery
from treasury.models import Payable, RecoveryCase
from treasury.moves import move_state
from treasury.screens import screened
from vouchers import policy
from vouchers.actions.award_subsidy import earned_fen, judged_at, keep_basis
from vouchers.actions.review_award import owe_award
from vouchers.models import AwardCorrection, SubsidyAward
from vouchers.queries import evaluate_for
from vouchers.refusals import AwardNotPaidYet
from vouchers.rules.award_basis import Basis

DECIDED = ("approved", "paid")


@transaction.atomic
def propose_correction(
    *, award: SubsidyAward, basis: Basis, cause: str, actor: Actor, at: datetime
) -> AwardCorrection | None:
    """Compute `award` again from `basis` and raise the difference; None where there is none.

    An open correction that says another figure is superseded. Raises NotPermitted, NotFound,
    Invalid for an award that was rejected or another beneficiary's basis, TermsRefused.
    """
    if actor is not SYSTEM:
        policy.require_issuer(
            actor, award.version.programme.issuer, *policy.DECIDERS, *policy.REVIEWERS
        )
    award = SubsidyAward.objects.select_for_update(no_key=True).get(pk=award.pk)
    if award.state == SubsidyAward.State.REJECTED:
        raise Invalid("award", "a rejected award is proposed again", "已驳回的奖补请重新提出")
    if basis.document["beneficiary"] != award.beneficiary.uscc:
        raise Invalid("basis", "this is another body's trade", "该基数属于其他主体")
    evaluation = evaluate_for(
        award.version,
        award.beneficiary,
        {**award.facts, **basis.facts},
        at=judged_at(award.period_end, award.proposed_at),
        without=award,
    )
    now_fen = earned_fen(evaluation)
    opened = award.corrections.filter(state__in=["proposed", "half_approved"]).first()
    if opened is not None:
        if opened.now_fen == now_fen:
            _note("rechecked", award, actor, at, basis=basis.digest, now_fen=now_fen)
            return opened
        move_state(opened, to="superseded")
        _note("correction_superseded", award, actor, at, correction=opened.pk)
    before_fen = award.amount_fen + (
        award.corrections.filter(state__in=DECIDED).aggregate(sum=Sum("difference_fen"))["sum"] or 0
    )
    if now_fen == before_fen:
        _note("rechecked", award, actor, at, basis=basis.digest, now_fen=now_fen)
        return None
    last = award.bases.aggregate(last=Max("number"))["last"] or 0
    correction = AwardCorrection.objects.create(
        award=award,
        basis=keep_basis(award, basis, at, number=last + 1),
        cause=cause,
        evaluation=evaluation.as_dict(),
        evaluation_digest=evaluation.digest,
        before_fen=before_fen,
        now_fen=now_fen,
        difference_fen=now_fen - before_fen,
        proposed_by_id=actor.person_id,
        proposed_at=at,
    )
    _note(
        "correction_proposed",
        award,
        actor,
        at,
        correction=correction.pk,
        cause=cause,
        before_fen=before_fen,
        now_fen=now_fen,
        basis=basis.digest,
    )
    return correction


def _beneficiary(correction: AwardCorrection) -> tuple[Organization, list[Organization]]:
    return correction.award.version.programme.issuer, [correction.award.beneficiary]


@screened("approve", "correction", _beneficiary)
@transaction.atomic
def approve_correction(
    *, correction: AwardCorrection, actor: Actor, at: datetime
) -> AwardCorrection:
    """First call: proposed → half_approved; second, by another person: → approved.

    What is more becomes a payable of its own. What is less is opened as a recovery of what was
    paid, the newest payment first; it may be kept from what the beneficiary is owed later. Raises
    AwardNotPaidYet, SamePerson, ConflictOfInterest, ScreenIncomplete, EnvelopeExhausted,
    StaleState, NotPermitted, NotFound.
    """
    # The award first, as when a correction is proposed: one order of locks.
    award = SubsidyAward.objects.select_for_update(no_key=True).get(pk=correction.award_id)
    AwardCorrection.objects.select_for_update(no_key=True).get(pk=correction.pk)
    correction.refresh_from_db()
    policy.require_issuer(actor, award.version.programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, award.beneficiary)
    policy.require_somebody_else(actor, correction.proposed_by_id, correction.approved_by_1_id)
    if correction.state != AwardCorrection.State.HALF_APPROVED:
        move_state(correction, to="half_approved", approved_by_1_id=actor.person_id)
        _note("correction_half_approved", award, actor, at, correction=correction.pk)
        return correction
    more = correction.difference_fen > 0
    if award.state not in DECIDED:
        raise AwardNotPaidYet(current=award.state)
    payable = _owe_more(award, correction, actor, at) if more else None
    recoveries = [] if more else _ask_back(award, correction, actor, at)
    move_state(
        correction,
        to="approved",
        approved_by_2_id=actor.person_id,
        payable_id=payable.pk if payable else None,
    )
    correction.recoveries.set(recoveries)
    _note(
        "correction_approved",
        award,
        actor,
        at,
        correction=correction.pk,
        difference_fen=correction.difference_fen,
        payable=payable.pk if payable else None,
        recoveries=[each.pk for each in recoveries],
    )
    return correction


@transaction.atomic
def reject_correction(
    *, correction: AwardCorrection, reason: str, actor: Actor, at: datetime
) -> AwardCorrection:
    """Leave the award as it was, for a stated reason, by somebody else than who raised it.

    Raises Invalid, SamePerson, StaleState, NotPermitted, NotFound.
    """
    award = correction.award
    policy.require_issuer(actor, award.version.programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, award.beneficiary)
    policy.require_somebody_else(actor, correction.proposed_by_id)
    if not reason.strip():
        raise Invalid("reason", "a rejection says why", "须说明理由")
    move_state(correction, to="rejected", reason=reason)
    _note("correction_rejected", award, actor, at, correction=correction.pk, reason=reason)
    return correction


def _owe_more(
    award: SubsidyAward, correction: AwardCorrection, actor: Actor, at: datetime
) -> Payable:
    reference = f"award:{award.pk}:correction:{correction.pk}"
    return owe_award(award, correction.difference_fen, reference, actor, at)


def _ask_back(
    award: SubsidyAward, correction: AwardCorrection, actor: Actor, at: datetime
) -> list[RecoveryCase]:
    """Recoveries of the difference over what was paid for this award, the newest first."""
    left = -correction.difference_fen
    paid = (
        Payable.objects.select_for_update(no_key=True)
        .filter(pk__in=_payables_of(award), state__in=["paid", "offset"])
        .order_by("-pk")
    )
    cases = []
    for payable in paid:
        claimed = (
            payable.recovery_cases.exclude(state="dismissed").aggregate(
                sum=Sum(Coalesce("demanded_fen", "claimed_fen"))
            )["sum"]
            or 0
        )
        share = min(left, payable.amount_fen - claimed)
        if share > 0:
            cases.append(
                open_recovery(
                    payable=payable,
                    amount_fen=share,
                    cause=RecoveryCase.Cause.OVERPAID,
                    finding=f"award {award.pk}, correction {correction.pk}: {correction.cause}",
                    actor=actor,
                    at=at,
                )
            )
            left -= share
    if left:
        raise AwardNotPaidYet(current=award.state)
    return cases


def _payables_of(award: SubsidyAward) -> list[int]:
    more = award.corrections.filter(payable__isnull=False).values_list("payable_id", flat=True)
    return [pk for pk in (award.payable_id, *more) if pk is not None]


def _note(kind: str, award: SubsidyAward, actor: Actor, at: datetime, **data: object) -> None:
    record(f"subsidy_award.{kind}", subject=award, actor=actor, at=at, data=data)
