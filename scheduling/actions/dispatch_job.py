"""Hand a job to its platform; repeating it after a lost answer starts nothing twice."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.models import Job, Workload
from scheduling.platforms.connectors.contract import Connector, DispatchRequest


@transaction.atomic
def dispatch_job(
    *, job: Job, connector: Connector, callback_url: str, actor: Actor, at: datetime
) -> Job:
    """Dispatch `job` through `connector`, once for its lease.

    Raises ConnectorUnavailable (try again) and ConnectorRefused.
    """
    job = (
        Job.objects.select_for_update(of=("self",))
        .select_related("allocation__placement__workload", "allocation__pool__accelerator")
        .get(pk=job.pk)
    )
    if job.platform_ref or job.state in Job.FINAL:
        return job
    if job.allocation.state != "active":  # given back while the hand-over waited in its queue
        job.state, job.reason = Job.State.CANCELED, "its allocation was given back"
        job.save(update_fields=["state", "reason"])
        return job
    placement = job.allocation.placement
    hours = placement.workload.duration_hours
    receipt = connector.dispatch(
        DispatchRequest(
            lease_id=str(job.lease_id),
            pool_code=job.allocation.pool.code,
            accelerator_model=job.allocation.pool.accelerator.code,
            accelerator_count=job.allocation.units,
            starts_at=placement.starts_at,
            duration_hours=Decimal(hours),
            callback_url=callback_url,
            power_kw_per_accelerator=placement.energy_kwh / Decimal(hours * job.allocation.units),
        )
    )
    job.platform_ref = receipt.ref
    job.save(update_fields=["platform_ref"])
    Workload.objects.filter(pk=placement.workload_id, state="accepted").update(state="running")
    record(
        "job.dispatched",
        subject=job,
        actor=actor,
        at=at,
        data={"ref": receipt.ref, "already_started": receipt.already_started},
    )
    return job
