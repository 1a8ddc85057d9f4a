"""The 16 platforms of Table 5 as printed, and what follows from the print.

``load_platforms()`` gives them in printed order. ``can_dispatch`` follows from the status: a
platform whose construction has only started cannot dispatch. Overlaps follow from the printed
region: two platforms overlap when they stand in one province (three in Henan, two in Shandong).
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from providers.facts import FactsDocument, FactsFileError, document_from, read_facts_file

HERE = Path(__file__).parent
PLATFORMS_FILE = HERE / "platforms.yaml"
STATUSES_THAT_CANNOT_DISPATCH = frozenset({"construction_started"})


@dataclass(frozen=True, slots=True)
class PlatformFact:
    """One row of Table 5, texts as printed; `leading_party_type` is not printed, so None."""

    seq: int
    name: str
    region_printed: str
    adcode: str
    city_adcode_inferred: str | None
    status_text: str
    status: str
    date: date
    printed: str
    family: str | None
    trading: bool
    leading_party_type: str | None
    evidence: str
    notes: tuple[str, ...]

    @property
    def can_dispatch(self) -> bool:
        """Whether the printed status lets it take jobs."""
        return self.status not in STATUSES_THAT_CANNOT_DISPATCH

    @property
    def province_adcode(self) -> str:
        return self.adcode[:2] + "0000"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two platforms that serve the same province: a resource may be listed on both.

    `first_seq` < `second_seq`. `reason` is "same_province".
    """

    first_seq: int
    second_seq: int
    province_adcode: str
    reason: str = "same_province"


@dataclass(frozen=True)
class PlatformFacts:
    """The whole file, with the overlap relation derived from it."""

    document: FactsDocument
    platforms: tuple[PlatformFact, ...]
    overlaps: tuple[Overlap, ...]

    def overlapping(self, seq: int) -> tuple[int, ...]:
        """Sequence numbers of the platforms that overlap with `seq`."""
        return tuple(
            pair.second_seq if pair.first_seq == seq else pair.first_seq
            for pair in self.overlaps
            if seq in (pair.first_seq, pair.second_seq)
        )


@lru_cache(maxsize=4)
def load_platforms(path: Path = PLATFORMS_FILE) -> PlatformFacts:
    """Read `platforms.yaml`. Raises FactsFileError when the file is wrong anywhere."""
    content = read_facts_file(path, HERE / "platforms.schema.json")
    platforms = tuple(
        _platform(path.name, index, record) for index, record in enumerate(content["platforms"])
    )
    overlaps = tuple(
        Overlap(first.seq, second.seq, first.province_adcode)
        for first in platforms
        for second in platforms
        if first.seq < second.seq and first.province_adcode == second.province_adcode
    )
    return PlatformFacts(document_from(content["document"]), platforms, overlaps)


def _platform(file: str, index: int, record: dict[str, Any]) -> PlatformFact:
    where = f"platforms[{index}] ({record['name']})"
    if record["seq"] != index + 1:
        raise FactsFileError(
            file,
            where,
            "seq",
            f"is {record['seq']}; platforms stand in printed order, so it must be {index + 1}",
            f"序号为 {record['seq']}；平台按印刷顺序排列，应为 {index + 1}",
        )
    try:
        day = date.fromisoformat(record["date"])
    except ValueError as error:
        raise FactsFileError(
            file, where, "date", f"is not a day: {record['date']}", f"日期无效：{record['date']}"
        ) from error
    printed = f"{day.year}年{day.month}月{day.day}日{record['status_text']}"
    if printed != record["printed"]:
        raise FactsFileError(
            file,
            where,
            "printed",
            f"says {record['printed']}, but date and status_text make {printed}",
            f"印刷文字为“{record['printed']}”，与日期和状态文字“{printed}”不一致",
        )
    return PlatformFact(**{**record, "date": day, "notes": tuple(record["notes"])})
