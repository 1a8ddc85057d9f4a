"""The method of our green index as data: one frozen version per file."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from .documents import FactsDocument, document_from
from .read import FactsFileError, read_facts_file

HERE = Path(__file__).parent
GREEN_METHOD_FILE = HERE / "green_method.yaml"
PROVINCE_QUOTA = "province_quota"
ITEM_IDS = (
    "pue",
    "renewable",
    "rack_utilization",
    "it_load",
    "demand_response",
    "wue",
    "hourly_cfe",
)


@dataclass(frozen=True, slots=True)
class MethodItem:
    """One sub-score: a straight line from `zero_at` (earns 0) to `full_at` (earns everything).

    zero_at   a number, PROVINCE_QUOTA (the province's renewable quota weight), or None (no lower
              end is documented: full at `full_at` or better, unrated otherwise)
    weight    points of 100, ours (proposal)
    required  without this item the facility is unrated
    """

    id: str
    name_en: str
    name_zh: str
    weight: Decimal
    zero_at: Decimal | str | None
    full_at: Decimal
    required: bool
    basis: str
    evidence: str


@dataclass(frozen=True, slots=True)
class DirectConnectionRules:
    """绿电直连, yearly shares 0..1 of available generation or of consumption."""

    self_use_min_of_available_generation: Decimal
    self_use_min_of_consumption: Decimal
    self_use_min_of_consumption_by_2030: Decimal
    export_max_of_available_generation: Decimal


@dataclass(frozen=True)
class GreenMethod:
    """One version of the method.

    score_bands  (tier, least score), best first; pue_bands (tier, highest PUE or None), best first
    tiers        (tier, name_en, name_zh); 4 is best, 1 the lowest; unrated is None, never 0
    """

    version: str
    document: FactsDocument
    period_months: int
    coverage_min: Decimal
    valid_months_after_period: int
    vintage_months_before: int
    residual_factor_kind: str
    items: tuple[MethodItem, ...]
    score_bands: tuple[tuple[int, Decimal], ...]
    pue_bands: tuple[tuple[int, Decimal | None], ...]
    tiers: tuple[tuple[int, str, str], ...]
    direct_connection: DirectConnectionRules
    official_statuses: tuple[tuple[str, str, str, str], ...]  # kind, name_en, name_zh, missing

    def item(self, item_id: str) -> MethodItem:
        return next(item for item in self.items if item.id == item_id)

    def tier_name(self, tier: int) -> tuple[str, str]:
        """(English, Chinese) name of a tier."""
        return next((en, zh) for number, en, zh in self.tiers if number == tier)


@lru_cache(maxsize=4)
def load_green_method(path: Path = GREEN_METHOD_FILE) -> GreenMethod:
    """Read `green_method.yaml`. Raises FactsFileError when the file is wrong anywhere."""
    content = read_facts_file(path, HERE / "green_method.schema.json")
    _check(path.name, content)
    rules = content["direct_connection"]
    return GreenMethod(
        version=content["version"],
        document=document_from(content["document"]),
        period_months=content["period_months"],
        coverage_min=Decimal(content["coverage_min"]),
        valid_months_after_period=content["valid_months_after_period"],
        vintage_months_before=content["vintage_months_before"],
        residual_factor_kind=content["residual_factor_kind"],
        items=tuple(_item(record) for record in content["items"]),
        score_bands=tuple(
            (band["tier"], Decimal(band["min"])) for band in content["score_bands"]["bands"]
        ),
        pue_bands=tuple(
            (band["tier"], None if band["max"] is None else Decimal(band["max"]))
            for band in content["pue_bands"]["bands"]
        ),
        tiers=tuple((tier["tier"], tier["name_en"], tier["name_zh"]) for tier in content["tiers"]),
        direct_connection=DirectConnectionRules(
            **{
                name: Decimal(rules[name]["value"])
                for name in DirectConnectionRules.__dataclass_fields__
            }
        ),
        official_statuses=tuple(
            (status["kind"], status["name_en"], status["name_zh"], status["missing"])
            for status in content["official_statuses"]
        ),
    )


def _item(record: dict[str, Any]) -> MethodItem:
    zero_at = record["zero_at"]
    return MethodItem(
        id=record["id"],
        name_en=record["name_en"],
        name_zh=record["name_zh"],
        weight=Decimal(record["weight"]),
        zero_at=zero_at if zero_at is None or zero_at == PROVINCE_QUOTA else Decimal(zero_at),
        full_at=Decimal(record["full_at"]),
        required=record["required"],
        basis=record["basis"],
        evidence=record["evidence"],
    )


def _check(file: str, content: dict[str, Any]) -> None:
    ids = tuple(record["id"] for record in content["items"])
    if ids != ITEM_IDS:
        raise FactsFileError(
            file, "items", "id", f"must be {', '.join(ITEM_IDS)} in this order", "项目及顺序不符"
        )
    total = sum(Decimal(record["weight"]) for record in content["items"])
    if total != 100:
        raise FactsFileError(
            file,
            "items",
            "weight",
            f"weights add up to {total}, not 100",
            f"权重合计为 {total}，应为 100",
        )
    for name, bound, falling in (("score_bands", "min", True), ("pue_bands", "max", False)):
        bands = content[name]["bands"]
        tiers = [band["tier"] for band in bands]
        bounds = [band[bound] for band in bands if band[bound] is not None]
        if tiers != [4, 3, 2, 1] or bounds != sorted(bounds, reverse=falling):
            raise FactsFileError(
                file, name, "bands", "must run from tier 4 to tier 1", "须从第 4 档排到第 1 档"
            )
    if content["score_bands"]["bands"][-1]["min"] != 0 or (
        content["pue_bands"]["bands"][-1]["max"] is not None
    ):
        raise FactsFileError(
            file, "bands", "tier", "tier 1 must take what the others leave", "第 1 档须兜底"
        )
