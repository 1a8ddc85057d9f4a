"""Write off what will not come back: proposed, checked for fraud, approved by two."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from identity.models import Organization
from identity.roles import Role
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Transfer
from treasury import policy
from treasury.actions.receive_recovery import conclude, require_outstanding
from treasury.models import RecoveryCase, WriteOff
from treasury.moves import move_state
from treasury.proposals import require_amount, sign, turn_down
from treasury.refusals import FraudNotCleared
from treasury.screens import screened

FRAUD_ANALYSTS = (Role.FRAUD_ANALYST,)


@transaction.atomic
def propose_write_off(
    *, case: RecoveryCase, amount_fen: int, reason: str, actor: Actor, at: datetime
) -> WriteOff:
    """Propose to give up `amount_fen` of what is outstanding.

    Raises NotPermitted, Invalid, MoreThanOutstanding, StaleState (also while another is open).
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    require_amount(amount_fen)
    require_outstanding(case, amount_fen)
    if case.write_offs.filter(state__in=["proposed", "half_approved"]).exists():
        raise StaleState(
            thing=WriteOff._meta.verbose_name_raw, current="proposed", needed="no other open one"
        )
    write_off = WriteOff.objects.create(
        case=case,
        amount_fen=amount_fen,
        reason=reason,
        proposed_by_id=policy.signer(actor),
        proposed_at=at,
    )
    record(
        "write_off.proposed",
        subject=write_off,
        actor=actor,
        at=at,
        data={"recovery_id": case.pk, "amount_fen": amount_fen, "reason": reason},
    )
    return write_off


def _debtor(write_off: WriteOff) -> tuple[Organization, list[Organization]]:
    return write_off.case.issuer, [write_off.case.debtor]


@screened("check", "write_off", _debtor)
@transaction.atomic
def check_for_fraud(
    *, write_off: WriteOff, result: str, note: str, actor: Actor, at: datetime
) -> WriteOff:
    """A fraud analyst says "clear" or "suspected", once, and what was looked at.

    Raises NotPermitted, SamePerson, ConflictOfInterest, ScreenIncomplete, Invalid, StaleState.
    """
    policy.require_issuer(actor, write_off.case.issuer, *FRAUD_ANALYSTS)
    policy.require_another_person(
        actor,
        write_off.proposed_by_id,
        write_off.approved_by_1_id,
        first="propose or approve a write-off",
        second="check it for fraud",
        first_zh="提出或批准核销",
        second_zh="核查欺诈",
    )
    if result not in WriteOff.Fraud.values:
        raise Invalid("result", "clear or suspected", "须为 clear 或 suspected")
    unchecked = WriteOff.objects.filter(
        pk=write_off.pk, state=WriteOff.State.PROPOSED, fraud_result__isnull=True
    )
    if not unchecked.update(
        fraud_result=result,
        fraud_note=note,
        fraud_checked_by_id=actor.person_id,
        fraud_checked_at=at,
    ):
        raise StaleState(
            thing=WriteOff._meta.verbose_name_raw, current="checked", needed="proposed, not checked"
        )
    write_off.refresh_from_db()
    record(
        "write_off.fraud_checked",
        subject=write_off,
        actor=actor,
        at=at,
        data={"recovery_id": write_off.case_id, "result": result, "note": note},
    )
    return write_off


@screened("approve", "write_off", _debtor)
@transaction.atomic
def approve_write_off(*, write_off: WriteOff, actor: Actor, at: datetime) -> WriteOff:
    """First signature, then the second, which posts `receivable → written_off`.

    Raises NotPermitted, SamePerson (also the fraud analyst), ConflictOfInterest, ScreenIncomplete,
    FraudNotCleared, StaleState, MoreThanOutstanding when more came back meanwhile.
    """
    if write_off.state in ("proposed", "half_approved") and write_off.fraud_result != "clear":
        policy.require_issuer(actor, write_off.case.issuer, *policy.RECOVERERS)
        raise FraudNotCleared(result=write_off.fraud_result or "unknown")
    policy.require_another_person(
        actor,
        write_off.fraud_checked_by_id,
        first="check a write-off for fraud",
        second="approve it",
        first_zh="核查欺诈",
        second_zh="批准核销",
    )
    done = sign(
        write_off,
        issuer=write_off.case.issuer,
        roles=policy.RECOVERERS,
        noun="write_off",
        facts={"recovery_id": write_off.case_id},
        post=lambda: _post(write_off, actor, at),
        actor=actor,
        at=at,
    )
    if done:
        case = RecoveryCase.objects.get(pk=write_off.case_id)
        if case.state != RecoveryCase.State.RECOVERING:
            move_state(case, to=RecoveryCase.State.RECOVERING)
        conclude(case=case, actor=actor, at=at)
    return write_off


@transaction.atomic
def reject_write_off(*, write_off: WriteOff, reason: str, actor: Actor, at: datetime) -> WriteOff:
    """Turn it down; the debt stands. Raises NotPermitted, StaleState."""
    turn_down(
        write_off,
        issuer=write_off.case.issuer,
        roles=policy.RECOVERERS,
        noun="write_off",
        reason=reason,
        actor=actor,
        at=at,
    )
    return write_off


def _post(write_off: WriteOff, actor: Actor, at: datetime) -> Transfer:
    case = write_off.case
    receivable = require_outstanding(case, write_off.amount_fen)
    return post_transfer(
        reference=f"write_off:{write_off.pk}",
        kind="write_off",
        moves=[
            Move(
                receivable,
                open_account(book=case.book, code=case.account_code("written_off")),
                write_off.amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=case.payable.policy_version,
    )
