"""The 21 areas of the national hub nodes, with what is printed about each (unknown stays None)."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from .documents import FactsDocument, document_from
from .read import FactsFileError, read_facts_file

HERE = Path(__file__).parent
HUBS_FILE = HERE / "hubs.yaml"


@dataclass(frozen=True, slots=True)
class HubMetrics:
    """Printed figures of an area. Shares are fractions; storage PB; compute P (precision unstated).

    ``*_qualifier`` is the word printed beside the figure (约, 超, 左右, 仅) or None.
    """

    avg_temp_c: Decimal | None
    avg_temp_qualifier: str | None
    renewable_share: Decimal | None
    clean_share: Decimal | None
    pue: Decimal | None
    racks_standard: int | None
    rack_utilization: Decimal | None
    rack_utilization_qualifier: str | None
    compute_p: Decimal | None
    compute_qualifier: str | None
    intelligent_share: Decimal | None
    intelligent_qualifier: str | None
    storage_pb: Decimal | None
    advanced_storage_pb: Decimal | None
    advanced_storage_share_printed: Decimal | None
    advanced_storage_share_computed: Decimal | None
    projects: int | None
    as_of: str | None


@dataclass(frozen=True, slots=True)
class HubArea:
    """One printed area. `adcode` is GB/T 2260; `adcode_basis` exact | parent (functional zone)."""

    seq: int
    hub: str
    cluster: str
    area: str
    adcode: str
    adcode_basis: str
    adcode_note: str | None
    metrics: HubMetrics
    quant: tuple[tuple[str, Any], ...]
    facilities: tuple[str, ...]
    tenants: tuple[str, ...]
    policies: tuple[str, ...]
    facility_facts: tuple[tuple[tuple[str, Any], ...], ...]
    notes: tuple[str, ...]
    evidence: str

    @property
    def province_adcode(self) -> str:
        """GB/T 2260 code of the province the area lies in."""
        return self.adcode[:2] + "0000"


@dataclass(frozen=True, slots=True)
class HubFacts:
    """The whole file: its document and the areas in printed order."""

    document: FactsDocument
    areas: tuple[HubArea, ...]


_DECIMAL_METRICS = frozenset(
    name
    for name in HubMetrics.__dataclass_fields__
    if "qualifier" not in name and name not in {"racks_standard", "projects", "as_of"}
)


@lru_cache(maxsize=4)
def load_hubs(path: Path = HUBS_FILE) -> HubFacts:
    """Read `hubs.yaml`. Raises FactsFileError when the file is wrong anywhere."""
    content = read_facts_file(path, HERE / "hubs.schema.json")
    areas = tuple(_area(record) for record in content["areas"])
    for index, area in enumerate(areas):
        if area.seq != index + 1:
            raise FactsFileError(
                path.name,
                f"areas[{index}] ({area.area})",
                "seq",
                f"is {area.seq}; areas stand in printed order, so it must be {index + 1}",
                f"序号为 {area.seq}；片区按印刷顺序排列，应为 {index + 1}",
            )
    return HubFacts(document=document_from(content["document"]), areas=areas)


def _area(record: dict[str, Any]) -> HubArea:
    metrics: dict[str, Any] = {
        name: Decimal(value) if name in _DECIMAL_METRICS and value is not None else value
        for name, value in record["metrics"].items()
    }
    return HubArea(
        seq=record["seq"],
        hub=record["hub"],
        cluster=record["cluster"],
        area=record["area"],
        adcode=record["adcode"],
        adcode_basis=record["adcode_basis"],
        adcode_note=record["adcode_note"],
        metrics=HubMetrics(**metrics),
        quant=tuple(record["quant"].items()),
        facilities=tuple(record["facilities"]),
        tenants=tuple(record["tenants"]),
        policies=tuple(record["policies"]),
        facility_facts=tuple(tuple(fact.items()) for fact in record["facility_facts"]),
        notes=tuple(record["notes"]),
        evidence=record["evidence"],
    )
