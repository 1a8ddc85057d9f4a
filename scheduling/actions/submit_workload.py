"""An enterprise says what it wants computed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from identity.policy import require_role
from identity.roles import Role
from providers.models import AcceleratorModel
from scheduling.models import Workload


@transaction.atomic
def submit_workload(
    *,
    enterprise: Organization,
    reference: str,
    kinds: Sequence[str],
    units: int,
    duration_hours: int,
    earliest_at: datetime,
    deadline_at: datetime,
    max_price_fen_per_unit_hour: int,
    actor: Actor,
    at: datetime,
    regions: Sequence[str] = (),
    min_green_tier: int | None = None,
    interruptible: bool = False,
    voucher_terms: Mapping[str, Any] | None = None,
    sample: bool = False,
    origin: str = "",
) -> Workload:
    """Submit a workload for the next matching run.

    `kinds` are accelerator codes and `regions` GB/T 2260 codes (empty: any). `voucher_terms` is
    what the voucher promises: {"voucher_id", "rate" (decimal text), "regions", "cap_fen"}.
    Raises Invalid with the field, or when the enterprise has used `reference` before.
    """
    require_role(actor, Role.ENTERPRISE_APPLICANT)
    unknown = set(kinds) - set(
        AcceleratorModel.objects.filter(code__in=kinds).values_list("code", flat=True)
    )
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Invalid("kinds", f"unknown accelerator: {names}", f"未知的加速器型号：{names}")
    if deadline_at < earliest_at + timedelta(hours=duration_hours):
        raise Invalid(
            "deadline_at",
            "the deadline is before the earliest start plus the duration",
            "截止时间早于最早开始时间加时长",
        )
    if deadline_at <= at + timedelta(hours=duration_hours):
        raise Invalid("deadline_at", "the deadline cannot be met any more", "截止时间已无法满足")
    try:
        with transaction.atomic():
            workload = Workload.objects.create(
                enterprise=enterprise,
                reference=reference,
                kinds=sorted(kinds),
                units=units,
                duration_hours=duration_hours,
                earliest_at=earliest_at,
                deadline_at=deadline_at,
                regions=sorted(regions),
                min_green_tier=min_green_tier,
                max_price_fen_per_unit_hour=max_price_fen_per_unit_hour,
                interruptible=interruptible,
                voucher_terms=dict(voucher_terms) if voucher_terms else None,
                sample=sample,
                origin=origin,
                submitted_at=at,
            )
    except IntegrityError as error:
        raise Invalid("reference", "used before", "该编号已使用") from error
    record(
        "workload.submitted",
        subject=workload,
        actor=actor,
        at=at,
        data={"reference": reference, "units": units, "duration_hours": duration_hours},
    )
    return workload
