"""Agree on instalments for what is outstanding. No interest; a new plan replaces the one before."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from treasury import policy
from treasury.actions.receive_recovery import require_outstanding
from treasury.models import Instalment, RecoveryCase
from treasury.proposals import require_amount
from treasury.refusals import PlanDoesNotAddUp


@transaction.atomic
def plan_instalments(
    *, case: RecoveryCase, parts: Sequence[tuple[date, int]], actor: Actor, at: datetime
) -> list[Instalment]:
    """Plan `parts` (day due, fen), in ascending order of days, for exactly what is outstanding.

    Raises NotPermitted, Invalid, PlanDoesNotAddUp, StaleState.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    days = [day for day, _fen in parts]
    if not parts or days != sorted(set(days)):
        raise Invalid("parts", "days in ascending order, each once", "日期须递增且不重复")
    for _day, amount_fen in parts:
        require_amount(amount_fen)
    receivable = require_outstanding(case, 1)
    total_fen = sum(amount_fen for _day, amount_fen in parts)
    if total_fen != receivable.balance_fen:
        raise PlanDoesNotAddUp(
            field="parts", sum_fen=total_fen, outstanding_fen=receivable.balance_fen
        )
    plan = (case.instalments.aggregate(last=Max("plan"))["last"] or 0) + 1
    made = Instalment.objects.bulk_create(
        Instalment(
            case=case,
            plan=plan,
            number=number,
            due_date=day,
            amount_fen=amount_fen,
            agreed_by_id=policy.signer(actor),
            agreed_at=at,
        )
        for number, (day, amount_fen) in enumerate(parts, start=1)
    )
    record(
        "recovery.planned",
        subject=case,
        actor=actor,
        at=at,
        data={
            "plan": plan,
            "parts": [[day.isoformat(), amount_fen] for day, amount_fen in parts],
        },
    )
    return made
