"""Name a meter."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import Facility, Meter, Pool
from providers.policy import require_provider
from providers.refusals import NameTaken


@transaction.atomic
def add_meter(
    *,
    facility: Facility,
    kind: str,
    code: str,
    actor: Actor,
    at: datetime,
    pool: Pool | None = None,
    sample: bool = False,
) -> Meter:
    """Add the meter of `kind` at `facility`, or of `it_kwh`, `accelerator_hours` at a pool of it.

    Raises NotPermitted, NotFound, Invalid (kind, pool), NameTaken: a facility has one meter of a
    kind.
    """
    require_provider(actor, facility.provider_id)
    if kind not in Meter.Kind.values:
        known = ", ".join(Meter.Kind.values)
        raise Invalid("kind", f"one of {known}", f"须为 {known} 之一")
    of_pools = (Meter.Kind.IT, Meter.Kind.ACCELERATOR)
    if pool is not None and (pool.facility_id != facility.pk or kind not in of_pools):
        raise Invalid(
            "pool",
            "of this facility, and IT energy or accelerator-hours",
            "须为本设施的资源池，且计量 IT 用电或加速卡时",
        )
    if pool is None and kind == Meter.Kind.ACCELERATOR:
        raise Invalid("pool", "accelerator-hours are of a pool", "加速卡时须按资源池计量")
    if Meter.objects.filter(facility=facility, code=code).exists():
        raise NameTaken(field="code", thing="Meter", name=code)
    if pool is None and Meter.objects.filter(facility=facility, kind=kind, pool=None).exists():
        raise NameTaken(field="kind", thing="Meter of kind", name=kind)
    meter = Meter.objects.create(
        facility=facility, pool=pool, kind=Meter.Kind(kind), code=code, sample=sample
    )
    record(
        "meter.added",
        subject=meter,
        actor=actor,
        at=at,
        data={"facility_id": facility.pk, "kind": kind, "code": code, "sample": sample},
    )
    return meter
