"""Copy another body's verdict on a facility: a new certificate, or the renewal of an old one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.roles import Role
from providers.actions.register_facility import checked_status
from providers.models import Facility
from providers.policy import require_provider


@transaction.atomic
def copy_official_status(
    *, facility: Facility, status: Mapping[str, Any], actor: Actor, at: datetime
) -> Facility:
    """Put `status` (the fields of providers.green.OfficialStatus) on record as printed.

    The same kind and certificate number replace what stood there; what stood there remains in the
    event. It changes no figure of ours: a rating computed before keeps the statuses it was computed
    with. By the provider, or by a rating verifier who saw the certificate. Raises NotPermitted,
    NotFound, Invalid.
    """
    if not actor.has(Role.RATING_VERIFIER):
        require_provider(actor, facility.provider_id)
    copied = checked_status(status)
    row = Facility.objects.select_for_update().get(pk=facility.pk)
    key = (copied["kind"], copied["certificate_number"])
    kept: list[Any] = []
    replaced: list[Any] = []
    for each in row.official_statuses:
        same = (each["kind"], each["certificate_number"]) == key
        (replaced if same else kept).append(each)
    row.official_statuses = [*kept, copied]
    row.save(update_fields=["official_statuses"])
    record(
        "official_status.copied",
        subject=row,
        actor=actor,
        at=at,
        data={"status": copied, "replaced": replaced},
    )
    return row
