"""Clearing: for every charge not yet cleared, what government and enterprise owe its provider."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import Organization
from identity.policy import require_role
from identity.roles import Role
from marketplace.models import Charge, ClearingLine, ClearingRun
from marketplace.refusals import NothingToClear
from treasury.models import Payable
from vouchers.actions.propose_redemption_payable import propose_redemption_payable


@transaction.atomic
def clear_charges(
    *, issuer: Organization, upto: datetime, actor: Actor, at: datetime
) -> ClearingRun:
    """Clear the charges before `upto` whose voucher `issuer` gave (or that used none).

    The government's part of each becomes a proposed payable, which others approve. Each charge is
    cleared once, whoever runs this and however often. Raises NothingToClear.
    """
    require_role(actor, Role.BATCH_MAKER, Role.FINANCE_REVIEWER, Role.BUDGET_OFFICER)
    charges = list(
        Charge.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("order__provider", "order__redemption")
        .filter(
            charged_at__lt=upto,
            clearing_line__isnull=True,
            order__voucher__programme__issuer=issuer,
        )
        .order_by("pk")
    )
    if not charges:
        raise NothingToClear(upto=upto.isoformat())
    run = ClearingRun.objects.create(
        issuer=issuer, upto=upto, computed_at=at, person_id=actor.person_id
    )
    lines = [_line(run, charge, actor, at) for charge in charges]
    ClearingLine.objects.bulk_create(lines)
    record(
        "clearing.computed",
        subject=run,
        actor=actor,
        at=at,
        data={
            "charges": len(lines),
            "government_fen": sum(line.government_fen for line in lines),
            "enterprise_fen": sum(line.enterprise_fen for line in lines),
        },
    )
    return run


def _line(run: ClearingRun, charge: Charge, actor: Actor, at: datetime) -> ClearingLine:
    payable: Payable | None = None
    redemption = charge.order.redemption
    government_fen = redemption.kept_fen if redemption is not None else 0
    if redemption is not None and government_fen:
        payable = propose_redemption_payable(redemption=redemption, actor=actor, at=at)
    return ClearingLine(
        run=run,
        charge=charge,
        provider=charge.order.provider,
        government_fen=government_fen,
        enterprise_fen=charge.own_fen,
        payable=payable,
    )
