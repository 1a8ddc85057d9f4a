"""The accelerator catalogue: what a named source gives about a card, and None for the rest."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from .documents import FactsDocument, document_from
from .read import FactsFileError, read_facts_file

HERE = Path(__file__).parent
ACCELERATORS_FILE = HERE / "accelerators.yaml"


@dataclass(frozen=True, slots=True)
class Peak:
    """Dense peaks without sparsity: TFLOPS, for INT8 TOPS. None = no source gives it."""

    fp64_tflops: Decimal | None
    fp32_tflops: Decimal | None
    fp16_tflops: Decimal | None
    fp8_tflops: Decimal | None
    int8_tops: Decimal | None


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One catalogue row.

    tdp_w            maximum board power, W, or None: then no energy can be estimated from it
    embodied_kg      kgCO2e of making one card, cradle to gate, or None: then it has no SCI
    origin           domestic | foreign | unknown
    trace_names      how public cluster traces name it
    figure_sources   (field, source ids) for every figure that is given
    """

    id: str
    model: str
    vendor: str | None
    origin: str
    trace_names: tuple[str, ...]
    tdp_w: Decimal | None
    memory_gb: Decimal | None
    embodied_kg: Decimal | None
    peak: Peak
    interconnect: str | None
    interconnect_gb_per_s: Decimal | None
    figure_sources: tuple[tuple[str, tuple[str, ...]], ...]
    note: str | None


@dataclass(frozen=True)
class AcceleratorCatalogue:
    """The whole file; `sources` maps a source id to its description.

    lifetime_years   over how many years a card's embodied carbon is spread: an assumption
    """

    version: str
    document: FactsDocument
    sources: tuple[tuple[str, FactsDocument], ...]
    lifetime_years: Decimal
    accelerators: tuple[Accelerator, ...]

    def get(self, accelerator_id: str) -> Accelerator:
        """Raises KeyError for an id that is not in the catalogue."""
        for accelerator in self.accelerators:
            if accelerator.id == accelerator_id:
                return accelerator
        raise KeyError(accelerator_id)

    def by_trace_name(self, name: str) -> Accelerator | None:
        """The card that traces call `name`, or None."""
        return next((card for card in self.accelerators if name in card.trace_names), None)


@lru_cache(maxsize=4)
def load_accelerators(path: Path = ACCELERATORS_FILE) -> AcceleratorCatalogue:
    """Read `accelerators.yaml`. Raises FactsFileError when the file is wrong anywhere.

    A figure without a source is wrong, and so is a source for a figure that is not given.
    """
    content = read_facts_file(path, HERE / "accelerators.schema.json")
    sources = content["sources"]
    for index, record in enumerate(content["accelerators"]):
        _check_sources(path.name, f"accelerators[{index}] ({record['model']})", record, sources)
    ids = [record["id"] for record in content["accelerators"]]
    for index, identifier in enumerate(ids):
        if identifier in ids[:index]:
            raise FactsFileError(
                path.name,
                f"accelerators[{index}]",
                "id",
                f"{identifier} is given twice",
                f"{identifier} 重复",
            )
    return AcceleratorCatalogue(
        version=content["version"],
        document=document_from(content["document"]),
        sources=tuple((key, document_from(value)) for key, value in sources.items()),
        lifetime_years=Decimal(content["lifetime_years"]["value"]),
        accelerators=tuple(_accelerator(record) for record in content["accelerators"]),
    )


def _figures(record: dict[str, Any]) -> dict[str, Any]:
    link = record["interconnect"]
    given = link["kind"] if link["kind"] is not None else link["gb_per_s"]
    return {
        "tdp_w": record["tdp_w"],
        "memory_gb": record["memory_gb"],
        "embodied_kg": record["embodied_kg"],
        **record["peak"],
        "interconnect": given,
    }


def _check_sources(file: str, name: str, record: dict[str, Any], sources: dict[str, Any]) -> None:
    named = record["figures"]
    for field, value in _figures(record).items():
        if value is not None and not named.get(field):
            raise FactsFileError(
                file, name, field, "is given without a source", "给出了数值但没有来源"
            )
        if value is None and named.get(field):
            raise FactsFileError(
                file, name, field, "has a source but no figure", "有来源但没有数值"
            )
    for field, ids in named.items():
        for source in ids:
            if source not in sources:
                raise FactsFileError(
                    file, name, f"figures.{field}", f"no source {source}", f"没有来源 {source}"
                )


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _accelerator(record: dict[str, Any]) -> Accelerator:
    peak = record["peak"]
    return Accelerator(
        id=record["id"],
        model=record["model"],
        vendor=record["vendor"],
        origin=record["origin"],
        trace_names=tuple(record["trace_names"]),
        tdp_w=_decimal(record["tdp_w"]),
        memory_gb=_decimal(record["memory_gb"]),
        embodied_kg=_decimal(record["embodied_kg"]),
        peak=Peak(
            fp64_tflops=_decimal(peak["fp64"]),
            fp32_tflops=_decimal(peak["fp32"]),
            fp16_tflops=_decimal(peak["fp16"]),
            fp8_tflops=_decimal(peak["fp8"]),
            int8_tops=_decimal(peak["int8"]),
        ),
        interconnect=record["interconnect"]["kind"],
        interconnect_gb_per_s=_decimal(record["interconnect"]["gb_per_s"]),
        figure_sources=tuple((field, tuple(ids)) for field, ids in record["figures"].items()),
        note=record["note"],
    )
