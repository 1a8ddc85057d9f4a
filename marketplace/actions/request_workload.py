"""Submit a workload with what the enterprise's voucher promises for it."""

from datetime import datetime
from typing import Any

from django.db import transaction

from audit.decisions import Actor, NotFound
from identity.models import Organization
from scheduling.actions.submit_workload import submit_workload
from scheduling.models import Workload
from vouchers.matching_terms import matching_terms
from vouchers.policy import visible_vouchers


@transaction.atomic
def request_workload(
    *, actor: Actor, at: datetime, voucher_id: int | None = None, **wanted: Any
) -> Workload:
    """Submit `wanted` (see submit_workload) for the actor's enterprise, spending `voucher_id`.

    Raises NotFound for a voucher that is not the enterprise's, and what submit_workload raises.
    """
    enterprise = Organization.objects.get(pk=actor.organization_id or 0)
    terms = None
    if voucher_id is not None:
        voucher = visible_vouchers(actor).filter(pk=voucher_id, holder=enterprise).first()
        if voucher is None:
            raise NotFound(thing="voucher", field="voucher_id")
        terms = matching_terms(voucher, at=at)
    return submit_workload(enterprise=enterprise, voucher_terms=terms, actor=actor, at=at, **wanted)
