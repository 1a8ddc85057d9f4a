"""The debtor contests; somebody who did not open the case decides."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound
from treasury import policy
from treasury.models import RecoveryCase
from treasury.moves import move_state
from treasury.refusals import ContestTooLate
from treasury.screens import screened


@transaction.atomic
def contest_recovery(
    *, case: RecoveryCase, statement: str, actor: Actor, at: datetime
) -> RecoveryCase:
    """notice_served → contested, by somebody of the debtor, before the deadline.

    Raises NotFound for anybody else, StaleState, ContestTooLate.
    """
    if actor.organization_id != case.debtor_id or not actor.roles:
        raise NotFound(thing="recovery case")
    if case.contest_by_at is not None and at >= case.contest_by_at:
        raise ContestTooLate(until=case.contest_by_at.isoformat())
    move_state(
        case,
        to=RecoveryCase.State.CONTESTED,
        contested_by_id=actor.person_id,
        contested_at=at,
        contest=statement,
    )
    record("recovery.contested", subject=case, actor=actor, at=at, data={"statement": statement})
    return case


@screened("decide", "case", lambda case: (case.issuer, [case.debtor]))
@transaction.atomic
def decide_recovery(
    *, case: RecoveryCase, upheld_fen: int, decision: str, actor: Actor, at: datetime
) -> RecoveryCase:
    """contested → decided for `upheld_fen` of the claim; 0 → dismissed at once.

    Raises NotPermitted, SamePerson (who opened it), ConflictOfInterest, ScreenIncomplete,
    StaleState, Invalid.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    require_not_opener(case, actor)
    if isinstance(upheld_fen, bool) or not 0 <= upheld_fen <= case.claimed_fen:
        raise Invalid(
            "upheld_fen",
            f"from 0 to the {case.claimed_fen} fen claimed",
            f"须在 0 与所追金额 {case.claimed_fen} 分之间",
        )
    move_state(
        case,
        to=RecoveryCase.State.DECIDED,
        decided_by_id=actor.person_id,
        decided_at=at,
        decision=decision,
        upheld_fen=upheld_fen,
    )
    record(
        "recovery.decided",
        subject=case,
        actor=actor,
        at=at,
        data={"claimed_fen": case.claimed_fen, "upheld_fen": upheld_fen, "decision": decision},
    )
    if upheld_fen == 0:
        move_state(case, to=RecoveryCase.State.DISMISSED)
        record("recovery.dismissed", subject=case, actor=actor, at=at)
    return case


def require_not_opener(case: RecoveryCase, actor: Actor) -> None:
    """Raise SamePerson for who opened the case. The database refuses it too."""
    policy.require_another_person(
        actor,
        case.opened_by_id,
        first="open a recovery",
        second="decide or demand it",
        first_zh="提起追回",
        second_zh="作出决定或追缴",
    )
