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
    """Add the meter of `kind` at `facility`, or at one of its pools (`it_kwh` only).

    Raises NotPermitted, NotFound, Invalid (kind, pool), NameTaken: a facility has one meter of a
    kind.
    """
    require_provider(actor, facility.provider_id)
    if kind not in Meter.Kind.values:
        known = ", ".join(Meter.Kind.values)
        raise Invalid("kind", f"one of {known}", f"须为 {known} 之一")
    if pool is not None and (pool.facility_id != facility.pk or kind != Meter.Kind.IT):
        raise Invalid("pool", "of this facility, and IT energy", "须为本设施的资源池且计量 IT 用电")
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
