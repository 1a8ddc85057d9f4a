"""Enter a data centre into the register."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from providers.green import OfficialStatus
from providers.models import Facility, HubArea
from providers.policy import require_provider
from providers.refusals import NameTaken


@transaction.atomic
def register_facility(
    *,
    provider: Organization,
    name: str,
    adcode: str,
    actor: Actor,
    at: datetime,
    hub_area: HubArea | None = None,
    site: Mapping[str, Any] | None = None,
    official_statuses: Sequence[Mapping[str, Any]] = (),
    sample: bool = False,
    basis: str = "",
) -> Facility:
    """Register a facility of `provider`.

    `site` holds what is known of design_racks, installed_racks, racks_in_use (counts),
    nominal_rack_kw, adjustable_load_kw, maximum_load_kw; what is left out is unknown.
    `official_statuses` are copied verdicts with the fields of providers.green.OfficialStatus.
    Raises NotPermitted, NotFound, Invalid (adcode, site figures, statuses, kind of organization),
    NameTaken.
    """
    require_provider(actor, provider)
    if provider.kind != Organization.Kind.PROVIDER:
        raise Invalid("provider", "is not a provider", "不是供应方")
    if Facility.objects.filter(provider=provider, name=name).exists():
        raise NameTaken(field="name", thing="Facility", name=name)
    facility = Facility(
        provider=provider,
        hub_area=hub_area,
        adcode=adcode,
        name=name,
        official_statuses=[checked_status(status) for status in official_statuses],
        sample=sample,
        basis=basis,
        registered_at=at,
        **dict(site or {}),
    )
    try:
        facility.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(field, messages[0], messages[0]) from error
    facility.save()
    record(
        "facility.registered",
        subject=facility,
        actor=actor,
        at=at,
        data={"provider_id": provider.pk, "name": name, "adcode": adcode, "sample": sample},
    )
    return facility


def checked_status(status: Mapping[str, Any]) -> dict[str, Any]:
    """One official status as stored. Raises Invalid naming what is missing or wrong."""
    known = set(OfficialStatus.__dataclass_fields__)
    required = {"kind", "level", "certificate_number", "issuer"}
    missing, extra = required - set(status), set(status) - known
    if missing or extra:
        names = ", ".join(sorted(missing | extra))
        raise Invalid("official_statuses", f"missing or unknown: {names}", f"缺少或多余：{names}")
    try:
        days = {
            name: date.fromisoformat(str(status[name])).isoformat() if status.get(name) else None
            for name in ("valid_from", "valid_until")
        }
    except ValueError as error:
        raise Invalid(
            "official_statuses", "dates are YYYY-MM-DD", "日期格式须为 YYYY-MM-DD"
        ) from error
    plain = {name: str(status[name]) for name in required}
    return plain | days | {"document_sha256": status.get("document_sha256")}
