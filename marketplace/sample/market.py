"""Providers, facilities, pools and offers in the 21 hub areas, from printed facts and a seed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from providers.facts import HubArea, load_accelerators, load_hubs

from .chance import choose, draw
from .prices import BASE_FEN_PER_CARD_HOUR, sample_price_fen

SEED = 20261122
PRICE_FROM = date(2026, 1, 1)
POOL_SIZES = (16, 32, 64, 128, 256)
LATENCY_CLASSES = {"京津冀枢纽": "metro", "长三角枢纽": "metro", "粤港澳大湾区枢纽": "metro"}


@dataclass(frozen=True, slots=True)
class SampleProvider:
    """A made-up provider, one per hub. The USCC is formally right and belongs to nobody we know."""

    key: str
    name_zh: str
    name_en: str
    uscc: str
    adcode: str
    sample: bool = True


@dataclass(frozen=True, slots=True)
class SampleFacility:
    """A made-up facility in a real area. Figures are printed for the area, or None.

    pue, renewable_share, rack_utilization  printed figures that its sample evidence is built to
        reproduce; without a printed PUE there is no evidence at all and the facility is unrated
    basis   (field, where the figure was printed)
    racks, loads   sample sizes, only where there is evidence
    """

    key: str
    provider_key: str
    name_zh: str
    name_en: str
    area_seq: int
    area: str
    hub: str
    cluster: str
    adcode: str
    latency_class: str
    pue: Decimal | None = None
    renewable_share: Decimal | None = None
    rack_utilization: Decimal | None = None
    basis: tuple[tuple[str, str], ...] = ()
    design_racks: int | None = None
    installed_racks: int | None = None
    racks_in_use: int | None = None
    nominal_rack_kw: Decimal | None = None
    mean_it_kw: Decimal | None = None
    sample: bool = True

    @property
    def has_evidence(self) -> bool:
        """Whether sample meter readings exist for it."""
        return self.pue is not None


@dataclass(frozen=True, slots=True)
class SamplePool:
    """Cards of one kind in one facility. `kw_per_card` = TDP of the catalogue / 1000 (estimate)."""

    key: str
    facility_key: str
    accelerator_id: str
    cards: int
    kw_per_card: Decimal
    sample: bool = True


@dataclass(frozen=True, slots=True)
class SampleOffer:
    """A priced SKU: `price_fen` per card-hour (卡时) from `starts_on`; the price is a sample."""

    key: str
    pool_key: str
    unit: str
    price_fen: int
    currency: str
    starts_on: date
    price_basis: str = "sample"
    sample: bool = True


@dataclass(frozen=True)
class SampleMarket:
    """Everything, in printed order of the areas."""

    seed: int
    providers: tuple[SampleProvider, ...]
    facilities: tuple[SampleFacility, ...]
    pools: tuple[SamplePool, ...]
    offers: tuple[SampleOffer, ...]
    sample: bool = True

    def facility(self, key: str) -> SampleFacility:
        return next(facility for facility in self.facilities if facility.key == key)

    def pools_of(self, facility_key: str) -> tuple[SamplePool, ...]:
        return tuple(pool for pool in self.pools if pool.facility_key == facility_key)


def build_market(seed: int = SEED) -> SampleMarket:
    """The sample market of a seed, from the hub facts and the accelerator catalogue alone."""
    areas = load_hubs().areas
    hubs = list(dict.fromkeys(area.hub for area in areas))
    providers = tuple(_provider(number, hub, areas) for number, hub in enumerate(hubs, start=1))
    by_hub = dict(zip(hubs, providers, strict=True))
    facilities = tuple(
        facility for area in areas for facility in _facilities(area, by_hub[area.hub].key)
    )
    pools = tuple(pool for facility in facilities for pool in _pools(facility, seed))
    hub_of = {facility.key: facility.hub for facility in facilities}
    offers = tuple(_offer(pool, hub_of[pool.facility_key], seed) for pool in pools)
    return SampleMarket(seed, providers, facilities, pools, offers)


def _provider(number: int, hub: str, areas: tuple[HubArea, ...]) -> SampleProvider:
    adcode = next(area.province_adcode for area in areas if area.hub == hub)
    return SampleProvider(
        key=f"sample-provider-{number}",
        name_zh=f"示例·{hub}算力服务商",
        name_en=f"Sample provider {number} ({hub})",
        uscc=sample_uscc(adcode, number),
        adcode=adcode,
    )


def sample_uscc(adcode: str, number: int) -> str:
    """A formally right USCC (GB 32100-2015, with the GB 11714 digit) on a body of leading zeros."""
    body = f"{number:08d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = (11 - sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11) % 11
    text = f"91{adcode}{body}{'X' if rest == 10 else rest}"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(text))
    return text + alphabet[(31 - total % 31) % 31]


def _facilities(area: HubArea, provider_key: str) -> list[SampleFacility]:
    metrics = area.metrics
    first = _facility(area, provider_key, "1", metrics.pue, metrics.renewable_share)
    found = [first]
    for fact in (dict(fact) for fact in area.facility_facts):
        if "pue_max" in fact:  # printed for one real facility; the sample one only borrows it
            where = f"{fact['facility']}, PUE at most, chapter {fact['report_ref']}"
            found.append(
                _facility(
                    area, provider_key, str(len(found) + 1), Decimal(fact["pue_max"]), None, where
                )
            )
    return found


def _facility(
    area: HubArea,
    provider_key: str,
    number: str,
    pue: Decimal | None,
    renewable_share: Decimal | None,
    pue_printed: str | None = None,
) -> SampleFacility:
    printed = f"annex, area {area.seq} {area.area}"
    racks = area.metrics.rack_utilization
    basis = [("pue", pue_printed or printed)] if pue is not None else []
    if pue is not None and renewable_share is not None:
        basis.append(("renewable_share", printed))
    if pue is not None and racks is not None:
        basis.append(("rack_utilization", printed))
    evidence = pue is not None
    in_use = int(400 * racks) if racks is not None else None
    return SampleFacility(
        key=f"sample-facility-{area.seq:02d}-{number}",
        provider_key=provider_key,
        name_zh=f"示例·{area.area}数据中心{number}",
        name_en=f"Sample data center {area.seq:02d}-{number} ({area.area})",
        area_seq=area.seq,
        area=area.area,
        hub=area.hub,
        cluster=area.cluster,
        adcode=area.adcode,
        latency_class=LATENCY_CLASSES.get(area.hub, "regional"),
        pue=pue,
        renewable_share=renewable_share if evidence else None,
        rack_utilization=racks if evidence else None,
        basis=tuple(basis),
        design_racks=500 if evidence else None,
        installed_racks=400 if evidence else None,
        racks_in_use=in_use if evidence else None,
        nominal_rack_kw=Decimal(4) if evidence else None,
        mean_it_kw=Decimal(504) if evidence else None,
    )


def _pools(facility: SampleFacility, seed: int) -> list[SamplePool]:
    catalogue = load_accelerators()
    kinds = [
        card
        for card in catalogue.accelerators
        if card.id in BASE_FEN_PER_CARD_HOUR and card.tdp_w is not None
    ]
    kinds.sort(key=lambda card: draw(seed, facility.key, "kind", card.id))
    number = choose((2, 3, 3, 4), seed, facility.key, "pools")
    pools = []
    for index, card in enumerate(kinds[:number], start=1):
        assert card.tdp_w is not None
        pools.append(
            SamplePool(
                key=f"{facility.key.replace('facility', 'pool')}-{index}",
                facility_key=facility.key,
                accelerator_id=card.id,
                cards=choose(POOL_SIZES, seed, facility.key, "cards", card.id),
                kw_per_card=card.tdp_w / 1000,
            )
        )
    return pools


def _offer(pool: SamplePool, hub: str, seed: int) -> SampleOffer:
    spread = choose(range(90, 111), seed, pool.key, "spread")
    return SampleOffer(
        key=pool.key.replace("pool", "offer"),
        pool_key=pool.key,
        unit="card_hour",
        price_fen=sample_price_fen(pool.accelerator_id, hub, spread),
        currency="CNY",
        starts_on=PRICE_FROM,
    )
