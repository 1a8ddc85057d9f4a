"""After the approval of retroactive terms: more is owed, paid too much is claimed back, and what
moves no money by itself is noticed. Each difference once, by an officer, never silently."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury.actions.commit_value import commit_value
from treasury.actions.open_recovery import open_recovery
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Application, Difference, Recomputation, WindowAnswer
from vouchers.refusals import ProgrammeNotActive


@transaction.atomic
def raise_differences(
    *, recomputation: Recomputation, actor: Actor, at: datetime
) -> list[Difference]:
    """Raise every proposed difference of the recomputation its version was approved on.

    More for a claim or an award that is decided: a supplementary payable, which two people in the
    treasury approve. Less of what is paid: a recovery case. Everything else (vouchers, claims under
    review, what is not paid yet) is noticed, for the people who keep it. Raises EnvelopeExhausted,
    StaleState, ProgrammeNotActive, NotPermitted, NotFound.
    """
    version = recomputation.version
    policy.require_issuer(actor, version.programme.issuer, *policy.DECIDERS)
    newest = version.recomputations.order_by("-pk").first()
    if version.state not in ("approved", "superseded") or newest != recomputation:
        raise StaleState(thing="policy version", current=version.state, needed="approved")
    rows = list(
        recomputation.differences.filter(state="proposed")
        .select_for_update(of=["self"], no_key=True)
        .select_related(
            "application", "claim__payable", "award__payable", "window_answer", "beneficiary"
        )
        .order_by("pk")
    )
    for each in rows:
        _raise(each, actor, at)
    return rows


def _raise(difference: Difference, actor: Actor, at: datetime) -> None:
    subject, change = difference.subject, difference.change_fen
    policy.require_other_side(actor, difference.beneficiary)
    payable = None if isinstance(subject, Application | WindowAnswer) else subject.payable
    if payable is not None and change > 0:
        owed = _owe(difference, payable, actor, at)
        move_state(difference, to="owed", payable_id=owed.pk)
    elif payable is not None and payable.state == Payable.State.PAID:
        case = open_recovery(
            payable=payable,
            amount_fen=-change,
            cause="overpaid",
            finding=f"{difference.recomputation.version.label}: {difference}",
            actor=actor,
            at=at,
        )
        move_state(difference, to="recovered", recovery_id=case.pk)
    else:
        move_state(difference, to="noticed")
    record(
        f"difference.{difference.state}",
        subject=difference,
        actor=actor,
        at=at,
        data={"subject": str(subject), "change_fen": change},
    )


def _owe(difference: Difference, first: Payable, actor: Actor, at: datetime) -> Payable:
    """The change as a payable of its own, beside the one it supplements."""
    programme = difference.recomputation.version.programme
    envelope, label = programme.envelope, difference.recomputation.version.label
    if envelope is None:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    reference = f"difference:{difference.pk}"
    commit_value(
        envelope=envelope,
        amount_fen=difference.change_fen,
        reference=f"{reference}:commit",
        policy_version=label,
        actor=actor,
        at=at,
    )
    earned = open_account(book=envelope.book, code=f"dif:{difference.pk}:earned")
    committed = open_account(book=envelope.book, code=envelope.account_code("committed"))
    post_transfer(
        reference=f"{reference}:earn",
        kind="earn",
        moves=[Move(committed, earned, difference.change_fen)],
        effective_at=at,
        actor=actor,
        policy_version=label,
    )
    return propose_payable(
        payee=difference.beneficiary,
        envelope=envelope,
        kind=first.kind,
        amount_fen=difference.change_fen,
        source_account=earned,
        reference=reference,
        policy_version=label,
        actor=actor,
        at=at,
    )
