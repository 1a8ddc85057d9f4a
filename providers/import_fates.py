"""What would become of a row of a pool file, given what the provider has now."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from audit.decisions import Refusal
from providers.bulk import PoolRow, Problem
from providers.models import AcceleratorModel, Facility, Offer, Pool, PriceVersion
from providers.units import card_hour_price_fen

CREATE, CHANGE, UNCHANGED, REFUSE = "create", "change", "unchanged", "refuse"
ADJUSTABLE = ("units", "kw_per_unit", "network_latency", "data_residency", "sla_availability")


@dataclass(frozen=True, slots=True)
class Known:
    """A pool as it stands: what a row may adjust, its offer's unit and its open-ended price."""

    pool_id: int
    slice_id: str
    accelerator_id: int
    units: int
    kw_per_unit: Decimal
    network_latency: str | None
    data_residency: str | None
    sla_availability: Decimal | None
    offer_unit: str | None
    price_fen: int | None


@dataclass
class Inventory:
    """What one provider has, and the rows of a file that were judged before this one."""

    provider_uscc: str
    facilities: dict[str, tuple[int, str]]
    accelerators: dict[str, AcceleratorModel]
    pools: dict[tuple[int, str], Known]
    slices: dict[str, tuple[int, str]] = field(default_factory=dict)
    taken_elsewhere: set[str] = field(default_factory=set)
    in_file: dict[tuple[int, str], int] = field(default_factory=dict)
    slices_in_file: dict[str, int] = field(default_factory=dict)

    def look_up_slices(self, slice_ids: Iterable[str]) -> None:
        """Learn which of `slice_ids` other providers have; one query."""
        wanted = set(slice_ids) - self.slices.keys()
        found = Pool.objects.filter(slice_id__in=wanted).values_list("slice_id", flat=True)
        self.taken_elsewhere |= set(found)


def inventory_of(provider: Any, at: datetime) -> Inventory:
    """The provider's facilities and pools with offer and price; five queries."""
    prices = dict(
        PriceVersion.objects.filter(
            offer__pool__facility__provider=provider, valid__contains=at
        ).values_list("offer_id", "price_fen_per_unit_hour")
    )
    offers = {
        pool: (unit, prices.get(pk))
        for pk, pool, unit in Offer.objects.filter(pool__facility__provider=provider)
        .exclude(state="withdrawn")
        .values_list("pk", "pool_id", "unit")
    }
    accelerators: dict[str, AcceleratorModel] = {}
    for card in AcceleratorModel.objects.order_by("pk"):
        for name in (card.code, card.model, *card.trace_names):
            accelerators.setdefault(name, card)
    known = Inventory(
        provider_uscc=provider.uscc,
        facilities={
            name: (pk, adcode)
            for pk, name, adcode in Facility.objects.filter(provider=provider).values_list(
                "pk", "name", "adcode"
            )
        },
        accelerators=accelerators,
        pools={},
    )
    rows = Pool.objects.filter(facility__provider=provider).values_list(
        "facility_id", "code", "pk", "slice_id", "accelerator_id", *ADJUSTABLE
    )
    for facility, code, pk, slice_id, card_id, *figures in rows.iterator(chunk_size=10_000):
        unit, price = offers.get(pk, (None, None))
        known.pools[facility, code] = Known(pk, slice_id, card_id, *figures, unit, price)  # type: ignore[call-arg]
        known.slices[slice_id] = (facility, code)
    return known


def judge(number: int, row: PoolRow, have: Inventory) -> tuple[str, list[Problem], dict[str, Any]]:
    """(fate, problems, resolved): `resolved` holds the ids and the price per card-hour in fen."""
    problems: list[Problem] = []

    def wrong(column: str, code: str, en: str, zh: str) -> None:
        problems.append(Problem(column, code, en, zh))

    place = have.facilities.get(row.facility)
    if place is None:
        wrong("facility", "unknown", "no facility of yours has this name", "没有该名称的数据中心")
    card = have.accelerators.get(row.accelerator)
    if card is None:
        wrong("accelerator", "unknown", "not in the catalogue", "不在加速卡目录中")
    if place is None or card is None:
        return REFUSE, problems, {}
    key = (place[0], row.code)
    slice_id = row.slice_id or f"{place[1]}.{have.provider_uscc}.{place[0]}.{row.code}"
    before = have.in_file.setdefault(key, number)
    if before != number:
        wrong("code", "twice_in_file", f"row {before} names this pool", f"与第 {before} 行重复")
    same = have.slices_in_file.setdefault(slice_id, number)
    if same != number and before == number:
        wrong("slice_id", "twice_in_file", f"row {same} has this slice", f"与第 {same} 行重复")
    if slice_id in have.taken_elsewhere or have.slices.get(slice_id, key) != key:
        wrong(
            "slice_id",
            "slice_exists",
            "this physical slice is registered already; list it on a further platform instead",
            "该算力标识已登记；如在其他平台上架请引用原资源池",
        )
    known = have.pools.get(key)
    if known is not None:
        if known.accelerator_id != card.pk:
            wrong("accelerator", "fixed", "a pool keeps its accelerator", "资源池的加速卡不可更改")
        if row.slice_id and row.slice_id != known.slice_id:
            wrong("slice_id", "fixed", "a slice keeps its identifier", "统一算力标识不可更改")
    price, sold_by = None, "core_hour" if row.price_unit == "core_hour" else "card_hour"
    if row.price_fen is not None and row.price_unit is not None:
        try:
            price = (
                int(row.price_fen)
                if row.price_unit == "core_hour"
                else card_hour_price_fen(
                    row.price_fen,
                    row.price_unit,
                    peak=card.peak,
                    catalogue_version=card.version,
                )
            )
        except Refusal as refusal:
            wrong("price_unit", "dimension", refusal.sentence("en"), refusal.sentence("zh"))
        if known is not None and known.offer_unit not in (None, sold_by):
            wrong("price_unit", "fixed", "the offer is sold by another unit", "报价单位不可更改")
    if problems:
        return REFUSE, problems, {}
    resolved = {
        "facility_id": place[0],
        "accelerator_id": card.pk,
        "slice_id": slice_id,
        "pool_id": None if known is None else known.pool_id,
        "sold_by": sold_by,
        "price_fen_per_unit_hour": price,
        "new_price": price is not None and (known is None or known.price_fen != price),
    }
    if known is None:
        return CREATE, [], resolved
    given = [getattr(row, name) for name in ADJUSTABLE]
    moved = any(
        new is not None and new != getattr(known, name)
        for name, new in zip(ADJUSTABLE, given, strict=True)
    )
    return (CHANGE if moved or resolved["new_price"] else UNCHANGED), [], resolved
