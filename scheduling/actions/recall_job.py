"""Call a job back from its platform: nobody pays for it any more."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.models import Job
from scheduling.platforms.connectors.contract import Connector


@transaction.atomic
def recall_job(*, job: Job, connector: Connector, reason: str, actor: Actor, at: datetime) -> Job:
    """Ask the platform to end `job`; one that ended, or never left us, is not asked for.

    The platform's own word that it ended comes by callback, as always. Repeating is harmless.
    Raises ConnectorUnavailable (try again) and ConnectorRefused.
    """
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state in Job.FINAL:
        return job
    if job.platform_ref:
        status = connector.cancel(job.platform_ref)
        data = {"reason": reason, "ref": job.platform_ref, "platform_state": status.state.value}
    else:
        job.state, job.reason = Job.State.CANCELED, reason
        job.save(update_fields=["state", "reason"])
        data = {"reason": reason, "ref": "", "platform_state": ""}
    record("job.recalled", subject=job, actor=actor, at=at, data=data)
    return job
