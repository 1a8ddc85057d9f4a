"""Step 3: providers list pools and prices; meters and certificates give facilities a rating."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.sample import (
    SampleFacility,
    SampleMarket,
    build_market,
    certificate_lots,
    meter_readings,
)
from marketplace.story.client import wait_until
from marketplace.story.stage import Stage
from providers.green import MeterKind, Period
from scheduling.models import Platform

SHANGHAI = ZoneInfo("Asia/Shanghai")
METERS = (MeterKind.IT, MeterKind.FACILITY_TOTAL)


def bring_supply(stage: Stage) -> None:
    """Facilities in the 21 areas with pools at their prices, listed where a platform dispatches."""
    market = build_market()
    # The demo's sandbox stands in for the platforms that can dispatch; the others stay as printed.
    Platform.objects.filter(can_dispatch=True).update(connector="sandbox")
    # Ningxia's platform is run by one of the cast, so that its trade can be counted.
    Platform.objects.filter(adcode__startswith="64", can_dispatch=True).update(
        operator=stage.cast.bodies["platform-a"]
    )
    platforms = list(stage.as_("auditor").all("/platforms", can_dispatch="true"))
    for number, facility in enumerate(market.facilities, start=1):
        stage.say(f"  facility {number} of {len(market.facilities)}: {facility.name_zh}")
        made = _register(stage, facility, facility.area_seq)
        _offer_pools(stage, market, facility, made["id"], platforms)
        if facility.has_evidence:
            _prove_green(stage, facility, made["id"])


def _register(stage: Stage, facility: SampleFacility, area: int) -> dict[str, Any]:
    site = {
        "design_racks": facility.design_racks,
        "installed_racks": facility.installed_racks,
        "racks_in_use": facility.racks_in_use,
        "nominal_rack_kw": None
        if facility.nominal_rack_kw is None
        else format(facility.nominal_rack_kw, "f"),
    }
    return dict(
        stage.as_(facility.provider_key).post(
            "/facilities",
            {
                "name": facility.name_zh,
                "adcode": facility.adcode,
                "hub_area": area,
                "site": {key: value for key, value in site.items() if value is not None},
                "sample": True,
                "basis": "; ".join(f"{name}: {text}" for name, text in facility.basis),
            },
            step=facility.key,
        )
    )


def _offer_pools(
    stage: Stage,
    market: SampleMarket,
    facility: SampleFacility,
    facility_id: int,
    platforms: list[dict[str, Any]],
) -> None:
    provider = stage.as_(facility.provider_key)
    prices = {offer.pool_key: offer for offer in market.offers}
    home = [row for row in platforms if row["adcode"][:2] == facility.adcode[:2]]
    for pool in market.pools_of(facility.key):
        made = provider.post(
            "/pools",
            {
                "facility": facility_id,
                "code": pool.key,
                "accelerator": pool.accelerator_id,
                "units": pool.cards,
                "kw_per_unit": format(pool.kw_per_card, "f"),
                "sample": True,
            },
            step=pool.key,
        )
        offer = provider.post(
            "/offers",
            {"pool": made["id"], "unit": "card_hour", "sample": True},
            step=f"{pool.key}:offer",
        )
        provider.post(
            "/prices",
            {
                "offer": offer["id"],
                "price_fen_per_unit_hour": prices[pool.key].price_fen,
                "currency": "CNY",
            },
            step=f"{pool.key}:price",
        )
        provider.post(f"/offers/{offer['id']}/list", step=f"{pool.key}:list")
        for row in home:
            provider.post(
                "/listings",
                {"platform": row["id"], "pool": made["id"]},
                step=f"{pool.key}:on:{row['sequence']}",
            )


def _prove_green(stage: Stage, facility: SampleFacility, facility_id: int) -> None:
    """A year of hourly readings and retired certificates, rated and verified by somebody else."""
    provider = stage.as_(facility.provider_key)
    first_day = _first_day(stage.since)
    period = Period(
        datetime.combine(first_day, time(0), tzinfo=SHANGHAI),
        datetime.combine(first_day.replace(year=first_day.year + 1), time(0), tzinfo=SHANGHAI),
    )
    for kind in METERS:
        provider.post(
            "/meters",
            {
                "facility": facility_id,
                "kind": kind.value,
                "code": f"{facility.key}-{kind.value}",
                "sample": True,
            },
            step=f"{facility.key}:{kind.value}",
        )
    readings = meter_readings(facility, period)
    stage.say(f"    {len(readings):,} hourly readings, then certificates and the rating")
    provider.post(
        "/meter-readings",
        {
            "facility": facility_id,
            "source": "sample",
            "series": [
                {
                    "meter": f"{facility.key}-{kind.value}",
                    "unit": "kWh",
                    "starts_at": period.starts_at.isoformat(),
                    "interval_seconds": 3600,
                    "quantities": [
                        format(each.quantity, "f") for each in readings if each.kind == kind
                    ],
                }
                for kind in METERS
            ],
        },
        step=f"{facility.key}:readings",
    )
    _retire_certificates(stage, facility, facility_id, period)
    rating = provider.post(
        "/ratings",
        {"facility": facility_id, "first_day": first_day.isoformat()},
        step=f"{facility.key}:rating",
    )
    provider.post(f"/ratings/{rating['id']}/submit", step=f"{facility.key}:rating-submitted")
    wait_until("the rating to be checked", lambda: _is_checked(stage, rating["id"]))
    stage.as_("verifier").post(
        f"/ratings/{rating['id']}/approve", step=f"{facility.key}:rating-approved"
    )
    stage.say(f"    rated tier {rating['green_tier']}, method {rating['method_version']}")


def _is_checked(stage: Stage, rating_id: int) -> bool:
    state = stage.as_("verifier").get(f"/ratings/{rating_id}")["state"]
    return bool(state not in ("draft", "submitted"))


def _retire_certificates(
    stage: Stage, facility: SampleFacility, facility_id: int, period: Period
) -> None:
    provider = stage.as_(facility.provider_key)
    for lot in certificate_lots(facility, period):
        serials = [f"{lot.key}-{number:06d}" for number in range(1, lot.count + 1)]
        vintage = lot.vintage.isoformat()
        provider.post(
            "/certificates",
            {
                "certificates": [
                    {"serial": each, "vintage": vintage, "backs": lot.backs} for each in serials
                ],
                "sample": True,
            },
            step=f"{lot.key}:register",
        )
        where = {"facility": facility_id, "serials": serials}
        span = {"starts_at": period.starts_at.isoformat(), "ends_at": period.ends_at.isoformat()}
        provider.post("/certificates/allocate", where | span, step=f"{lot.key}:allocate")
        provider.post("/certificates/retire", where, step=f"{lot.key}:retire")


def _first_day(since: datetime) -> date:
    """The first civil day of the last twelve whole months before the story."""
    month = since.astimezone(SHANGHAI).date().replace(day=1)
    return month.replace(year=month.year - 1)
