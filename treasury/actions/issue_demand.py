"""Demand the money back: from here on it is owed, and stands in the books."""

from datetime import date, datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.actions.decide_recovery import require_not_opener
from treasury.models import RecoveryCase
from treasury.moves import move_state
from treasury.refusals import ContestOpen


@transaction.atomic
def issue_demand(*, case: RecoveryCase, due_date: date, actor: Actor, at: datetime) -> RecoveryCase:
    """decided | notice_served (uncontested, deadline past) → demand_issued.

    Posts `claimed → receivable` for what was upheld, or for the whole claim when nobody contested.
    Raises NotPermitted, SamePerson (who opened it), ContestOpen, StaleState.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    require_not_opener(case, actor)
    RecoveryCase.objects.select_for_update(no_key=True).get(pk=case.pk)
    case.refresh_from_db()
    if (case.state, RecoveryCase.State.DEMAND_ISSUED) not in RecoveryCase.MOVES:
        raise StaleState(
            thing=RecoveryCase._meta.verbose_name_raw,
            current=case.state,
            needed="notice_served / decided",
        )
    until = case.contest_by_at
    if case.decided_at is None and until is not None and at < until:
        raise ContestOpen(until=until.isoformat())
    amount_fen = case.upheld_fen if case.upheld_fen is not None else case.claimed_fen
    transfer = post_transfer(
        reference=f"recovery:{case.pk}:open",
        kind="clawback_open",
        moves=[
            Move(
                open_account(book=case.book, code=case.account_code("claimed"), floor_fen=None),
                open_account(book=case.book, code=case.account_code("receivable")),
                amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=case.payable.policy_version,
    )
    move_state(
        case,
        to=RecoveryCase.State.DEMAND_ISSUED,
        demanded_by_id=actor.person_id,
        demanded_at=at,
        demanded_fen=amount_fen,
        due_date=due_date,
        transfer=transfer,
    )
    record(
        "recovery.demanded",
        subject=case,
        actor=actor,
        at=at,
        data={
            "debtor_id": case.debtor_id,
            "demanded_fen": amount_fen,
            "due_date": due_date.isoformat(),
            "transfer": transfer.reference,
        },
    )
    return case
