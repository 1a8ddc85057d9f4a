"""From rows to what the pure rating takes, and from a stored bundle back to it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import DateTimeField, F, Func

from providers import green
from providers.facts import GreenMethod, MethodItem, load_green_method, load_grid_factors
from providers.facts.green_method import PROVINCE_QUOTA
from providers.models import CertificateAllocation, Facility, MeterReading

# A bound of its own is read several times faster than the range.
_ENDS_AT = Func(F("period"), function="upper", output_field=DateTimeField())


def facility_of(row: Facility) -> green.Facility:
    """The site facts a rating uses."""
    return green.Facility(
        id=str(row.pk),
        adcode=row.adcode,
        design_racks=row.design_racks,
        installed_racks=row.installed_racks,
        racks_in_use=row.racks_in_use,
        nominal_rack_kw=row.nominal_rack_kw,
        adjustable_load_kw=row.adjustable_load_kw,
        maximum_load_kw=row.maximum_load_kw,
    )


def readings_of(row: Facility, period: green.Period) -> list[green.Reading]:
    """Accepted readings of the facility's own meters inside the period, as last corrected."""
    rows = MeterReading.objects.filter(
        meter__facility=row,
        meter__pool__isnull=True,
        state="accepted",
        starts_at__gte=period.starts_at,
        starts_at__lt=period.ends_at,
        period__contained_by=(period.starts_at, period.ends_at),
    ).values_list("meter__kind", "starts_at", _ENDS_AT, "quantity", "revision")
    kinds = {kind.value: kind for kind in green.MeterKind}
    newest: dict[tuple[str, datetime], tuple[int, green.Reading]] = {}
    for kind, starts_at, ends_at, quantity, revision in rows.iterator(chunk_size=10_000):
        key = (kind, starts_at)
        if key not in newest or newest[key][0] < revision:
            newest[key] = (revision, green.Reading(kinds[kind], starts_at, ends_at, quantity))
    return [reading for _, reading in newest.values()]


def claims_of(row: Facility, period: green.Period) -> green.Claims:
    """Certificates allocated to exactly this facility and period, and the copied statuses."""
    allocations = CertificateAllocation.objects.filter(
        facility=row, period=(period.starts_at, period.ends_at)
    ).select_related("certificate")
    return green.Claims(
        certificates=tuple(
            green.Certificate(
                id=each.certificate.serial,
                kwh=Decimal(1000),
                vintage=each.certificate.vintage,
                state=each.certificate.state,
                backs=each.certificate.backs,
                lapses_on=each.certificate.lapses_on,
            )
            for each in allocations.iterator(chunk_size=10_000)
        ),
        official_statuses=tuple(status_of(each) for each in row.official_statuses),
    )


def rate_stored(row: Facility, period: green.Period, *, on: date) -> green.Rating:
    """Rate `row` from what is stored now, with the factors public on civil day `on`."""
    site = facility_of(row)
    return green.rate(
        load_green_method(),
        site,
        period,
        readings_of(row, period),
        claims_of(row, period),
        green.rating_factors(load_grid_factors(), facility=site, period=period, on=on),
    )


def rate_again(stored: Mapping[str, Any]) -> green.Rating:
    """Rate from a bundle's `input` alone, with the rules that stand in it."""
    period = green.Period(_time(stored["period"]["starts_at"]), _time(stored["period"]["ends_at"]))
    kinds = {kind.value: kind for kind in green.MeterKind}
    claims, factors = stored["claims"], stored["factors"]
    return green.rate(
        _method(stored["method"]),
        _facility(stored["facility"]),
        period,
        [
            green.Reading(kinds[kind], _time(starts), _time(ends), Decimal(quantity))
            for kind, starts, ends, quantity in stored["readings"]
        ],
        green.Claims(
            certificates=tuple(
                green.Certificate(
                    id=each["id"],
                    kwh=Decimal(each["kwh"]),
                    vintage=date.fromisoformat(each["vintage"] + "-01"),
                    state=each["state"],
                    backs=each["backs"],
                    lapses_on=_day(each["lapses_on"]),
                )
                for each in claims["certificates"]
            ),
            settlements=tuple(
                green.Settlement(each["id"], Decimal(each["kwh"]), each["certificate_id"])
                for each in claims["settlements"]
            ),
            official_statuses=tuple(status_of(each) for each in claims["official_statuses"]),
        ),
        green.RatingFactors(
            version=factors["version"],
            renewable_quota_share=_number(factors["renewable_quota_share"]),
            renewable_quota_year=factors["renewable_quota_year"],
            grid_kg_per_kwh=_number(factors["grid_kg_per_kwh"]),
            grid_data_year=factors["grid_data_year"],
        ),
    )


def _facility(stored: Mapping[str, Any]) -> green.Facility:
    return green.Facility(
        id=stored["id"],
        adcode=stored["adcode"],
        design_racks=stored["design_racks"],
        installed_racks=stored["installed_racks"],
        racks_in_use=stored["racks_in_use"],
        nominal_rack_kw=_number(stored["nominal_rack_kw"]),
        adjustable_load_kw=_number(stored["adjustable_load_kw"]),
        maximum_load_kw=_number(stored["maximum_load_kw"]),
    )


def _method(stored: Mapping[str, Any]) -> GreenMethod:
    """The method as it stands in the bundle; only names come from today's file."""
    today = load_green_method()
    return replace(
        today,
        version=stored["version"],
        period_months=stored["period_months"],
        coverage_min=Decimal(stored["coverage_min"]),
        valid_months_after_period=stored["valid_months_after_period"],
        vintage_months_before=stored["vintage_months_before"],
        items=tuple(_item(today, each) for each in stored["items"]),
        score_bands=tuple((tier, Decimal(least)) for tier, least in stored["score_bands"]),
        pue_bands=tuple((tier, _number(most)) for tier, most in stored["pue_bands"]),
    )


def _item(today: GreenMethod, stored: Mapping[str, Any]) -> MethodItem:
    zero_at = stored["zero_at"]
    return replace(
        today.item(stored["id"]),
        weight=Decimal(stored["weight"]),
        zero_at=zero_at if zero_at is None or zero_at == PROVINCE_QUOTA else Decimal(zero_at),
        full_at=Decimal(stored["full_at"]),
        required=stored["required"],
    )


def status_of(stored: Mapping[str, Any]) -> green.OfficialStatus:
    """A copied status from its row."""
    return green.OfficialStatus(
        kind=stored["kind"],
        level=stored["level"],
        certificate_number=stored["certificate_number"],
        issuer=stored["issuer"],
        valid_from=_day(stored.get("valid_from")),
        valid_until=_day(stored.get("valid_until")),
        document_sha256=stored.get("document_sha256"),
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
