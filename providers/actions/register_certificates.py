"""Enter green electricity certificates into the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor, Invalid
from identity.models import Organization
from providers.models import GreenCertificate
from providers.policy import require_provider
from providers.refusals import CertificateExists


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """One certificate of 1 MWh. `vintage` is any day of the month of generation."""

    serial: str
    vintage: date
    backs: str = "grid"
    lapses_on: date | None = None


@transaction.atomic
def register_certificates(
    *,
    owner: Organization,
    certificates: Sequence[NewCertificate],
    actor: Actor,
    at: datetime,
    sample: bool = False,
) -> int:
    """Register `certificates` of `owner` as held, all or none, and return how many.

    Raises NotPermitted, NotFound, Invalid (serial, backs), CertificateExists naming the serials.
    """
    require_provider(actor, owner)
    if not certificates:
        raise Invalid("certificates", "must not be empty", "不能为空")
    seen: set[str] = set()
    for position, new in enumerate(certificates):
        where = f"certificates[{position}]"
        if not new.serial or new.serial in seen:
            raise Invalid(f"{where}.serial", "is empty or given twice", "为空或重复")
        if new.backs not in GreenCertificate.Backs.values:
            known = ", ".join(GreenCertificate.Backs.values)
            raise Invalid(f"{where}.backs", f"one of {known}", f"须为 {known} 之一")
        seen.add(new.serial)
    rows = [
        GreenCertificate(
            owner=owner,
            serial=new.serial,
            vintage=new.vintage.replace(day=1),
            backs=GreenCertificate.Backs(new.backs),
            lapses_on=new.lapses_on,
            sample=sample,
            registered_at=at,
        )
        for new in certificates
    ]
    taken = set(
        GreenCertificate.objects.filter(serial__in=seen).values_list("serial", flat=True)[:10]
    )
    if taken:
        raise CertificateExists(field="certificates", serials=", ".join(sorted(taken)))
    GreenCertificate.objects.bulk_create(rows, batch_size=5000)
    record(
        "certificates.registered",
        subject=owner,
        actor=actor,
        at=at,
        data={
            "count": len(rows),
            "sha256": sha256_hex("\n".join(sorted(seen))),
            "first": min(seen),
            "last": max(seen),
            "sample": sample,
        },
    )
    return len(rows)
