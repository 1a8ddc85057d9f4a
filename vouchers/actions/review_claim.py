"""Each stage is answered by another person; the last one opens the public notice."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, SamePerson, StaleState
from identity.models import Organization
from identity.roles import Role
from treasury.moves import move_state
from treasury.screens import screened
from vouchers import policy
from vouchers.actions.issue_voucher import end_of_day
from vouchers.models import Claim, ClaimReview
from vouchers.queries import SHANGHAI
from vouchers.rules import Terms
from vouchers.rules.evidence import notice_days

ROLE_OF_STAGE = {"finance": Role.FINANCE_REVIEWER}


def _claimant(claim: Claim) -> tuple[Organization, list[Organization]]:
    return claim.programme.issuer, [claim.claimant]


@screened("pass", "claim", _claimant)
@transaction.atomic
def pass_claim(*, claim: Claim, actor: Actor, at: datetime, note: str = "") -> Claim:
    """Pass the stage the claim is at; after the last, it is shown to the public.

    Raises SamePerson, ConflictOfInterest, ScreenIncomplete, StaleState, NotPermitted, NotFound.
    """
    claim = _at_stage(claim, actor)
    stage = str(claim.stage)
    answer_stage(claim, stage, ClaimReview.Outcome.PASSED, note, actor, at)
    claim.position += 1
    claim.save(update_fields=["position"])
    if claim.position == len(claim.stages):
        last_day = at.astimezone(SHANGHAI).date() + timedelta(
            days=notice_days(Terms.load(claim.version.terms))
        )
        move_state(
            claim, to="public_notice", notice_opened_at=at, notice_until=end_of_day(last_day)
        )
    _note("claim.stage_passed", claim, actor, at, stage=stage)
    return claim


@transaction.atomic
def reject_claim(*, claim: Claim, reason: str, actor: Actor, at: datetime) -> Claim:
    """Turn the claim down at its stage. Raises SamePerson, StaleState, NotPermitted, NotFound."""
    claim = _at_stage(claim, actor)
    stage = str(claim.stage)
    answer_stage(claim, stage, ClaimReview.Outcome.REJECTED, reason, actor, at)
    move_state(claim, to="rejected", reason=reason)
    _note("claim.rejected", claim, actor, at, stage=stage, reason=reason)
    return claim


@transaction.atomic
def return_claim(*, claim: Claim, reason: str, actor: Actor, at: datetime) -> Claim:
    """Ask for a supplement (补正); the clock stands until it comes.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    claim = _at_stage(claim, actor)
    move_state(claim, to="returned", reason=reason, clock_stopped_at=at)
    _note("claim.returned", claim, actor, at, reason=reason)
    return claim


def require_stage(claim: Claim, stage: str, actor: Actor) -> None:
    """Raise unless `actor` holds the stage's role and is of the other side."""
    policy.require_issuer(actor, claim.programme.issuer, ROLE_OF_STAGE.get(stage, Role.REVIEWER))
    policy.require_other_side(actor, claim.claimant)
    policy.require_somebody_else(actor, claim.claimed_by_id)


def _at_stage(claim: Claim, actor: Actor) -> Claim:
    """The claim, locked, at a stage `actor` may answer."""
    claim = Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    stage = claim.stage
    if stage is None:
        policy.require_issuer(actor, claim.programme.issuer, *policy.REVIEWERS, *policy.DECIDERS)
        raise StaleState(thing="claim", current=claim.state, needed="in_review")
    require_stage(claim, stage, actor)
    return claim


def answer_stage(
    claim: Claim, stage: str, outcome: str, note: str, actor: Actor, at: datetime
) -> None:
    """Write one person's answer down. Raises SamePerson: nobody answers twice for a claim."""
    try:
        with transaction.atomic():
            ClaimReview.objects.create(
                claim=claim,
                round=claim.round,
                stage=stage,
                outcome=outcome,
                reviewer_id=actor.person_id or 0,
                note=note,
                reviewed_at=at,
            )
    except IntegrityError as error:
        raise SamePerson(
            first="answer one stage", second="answer another", first_zh="审核一环", second_zh="再审"
        ) from error


def _note(kind: str, claim: Claim, actor: Actor, at: datetime, **data: str) -> None:
    record(kind, subject=claim, actor=actor, at=at, data={"round": claim.round, **data})
