"""Retire allocated certificates, so that they count."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor, Invalid
from providers.models import Facility, GreenCertificate
from providers.policy import require_provider
from providers.refusals import CertificateNotAvailable


@transaction.atomic
def retire_certificates(
    *, facility: Facility, serials: Sequence[str], actor: Actor, at: datetime
) -> int:
    """allocated → retired, for all of `serials`, or none. Only retired certificates count.

    Raises NotPermitted, NotFound, Invalid, CertificateNotAvailable.
    """
    require_provider(actor, facility.provider_id)
    wanted = sorted(set(serials))
    if not wanted:
        raise Invalid("serials", "must not be empty", "不能为空")
    moved = GreenCertificate.objects.filter(
        serial__in=wanted, state="allocated", allocation__facility=facility
    ).update(state="retired")
    if moved != len(wanted):
        raise CertificateNotAvailable(
            field="serials", missing=len(wanted) - moved, asked=len(wanted)
        )
    record(
        "certificates.retired",
        subject=facility,
        actor=actor,
        at=at,
        data={
            "count": moved,
            "first": wanted[0],
            "last": wanted[-1],
            "sha256": sha256_hex("\n".join(wanted)),
        },
    )
    return moved
