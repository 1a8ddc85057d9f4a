"""CO2 factors of grid electricity by province and year, looked up exactly or not at all."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from .documents import FactsDocument, civil_date, document_from
from .read import FactsFileError, read_facts_file

HERE = Path(__file__).parent
GRID_FACTORS_FILE = HERE / "grid_factors.yaml"


class GridFactorUnknown(LookupError):
    """No published factor for exactly this place and year. There is no silent national fallback."""

    def __init__(self, place: str, data_year: int | None, text_en: str, text_zh: str) -> None:
        self.place, self.data_year = place, data_year
        self.text_en, self.text_zh = text_en, text_zh
        super().__init__(text_en)


@dataclass(frozen=True, slots=True)
class GridFactor:
    """One published factor, kgCO2/kWh, with what a stranger needs to check it.

    place       GB/T 2260 code of a province, name of a grid region, or "national:<kind>"
    data_year   year of the data (not of publication)
    notice      number of the notice that published it, "" = not known
    evidence    full_text | excerpt | secondary
    version     version of the facts file
    """

    place: str
    data_year: int
    kg_per_kwh: Decimal
    notice: str
    evidence: str
    sources: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Notice:
    """The announcement that made a data year public."""

    data_year: int
    title: str
    issuer: str
    number: str
    public_from: date
    evidence: str
    note: str | None


@dataclass(frozen=True)
class GridFactors:
    """All factors of the file. A province that was not published (Tibet) is named and has none."""

    version: str
    document: FactsDocument
    notices: tuple[Notice, ...]
    province_names: tuple[tuple[str, str, str], ...]  # (adcode, name_zh, name_en)
    provinces: tuple[GridFactor, ...]
    regional: tuple[GridFactor, ...]
    national: tuple[GridFactor, ...]
    renewable_quota_shares: tuple[tuple[str, Decimal], ...]  # (adcode, total share 0..1)
    renewable_quota_year: int
    renewable_quota_note: str

    def province(self, adcode: str, data_year: int) -> GridFactor:
        """The factor of exactly this province and year; any code inside the province will do.

        Raises GridFactorUnknown when the province or the year is not published.
        """
        place = adcode[:2] + "0000"
        for factor in self.provinces:
            if factor.place == place and factor.data_year == data_year:
                return factor
        name = next((zh for code, zh, _ in self.province_names if code == place), place)
        raise GridFactorUnknown(
            place,
            data_year,
            f"No grid factor is published for {place} ({name}) and data year {data_year}.",
            f"{name}（{place}）{data_year} 年电力二氧化碳排放因子未公布。",
        )

    def province_newest(self, adcode: str, *, consumption_year: int, on: date) -> GridFactor:
        """The newest factor with data year <= `consumption_year` that was public `on` that day.

        Raises GridFactorUnknown when there is none.
        """
        for year in self._years_public(consumption_year, on):
            return self.province(adcode, year)
        raise GridFactorUnknown(
            adcode,
            None,
            f"No grid factor for {consumption_year} or before was public on {on}.",
            f"截至 {on}，没有 {consumption_year} 年及以前的电力二氧化碳排放因子。",
        )

    def national_of(self, kind: str, data_year: int) -> GridFactor:
        """A national variant (average, average_excluding_market_traded_nonfossil, fossil_only ...).

        Raises GridFactorUnknown.
        """
        for factor in self.national:
            if factor.place == f"national:{kind}" and factor.data_year == data_year:
                return factor
        raise GridFactorUnknown(
            f"national:{kind}",
            data_year,
            f"The national factor {kind} of {data_year} is not known.",
            f"全国 {kind} {data_year} 年的数值未知。",
        )

    def national_newest(self, kind: str, *, consumption_year: int, on: date) -> GridFactor:
        """As `province_newest`, for a national variant. Raises GridFactorUnknown."""
        for year in self._years_public(consumption_year, on):
            return self.national_of(kind, year)
        raise GridFactorUnknown(
            f"national:{kind}",
            None,
            f"No national factor {kind} for {consumption_year} or before was public on {on}.",
            f"截至 {on}，没有 {consumption_year} 年及以前的全国 {kind} 数值。",
        )

    def renewable_quota(self, adcode: str) -> Decimal | None:
        """Renewable quota weight (total) of the province, share 0..1; None = not in the table."""
        place = adcode[:2] + "0000"
        return next((share for code, share in self.renewable_quota_shares if code == place), None)

    def notice(self, data_year: int) -> Notice | None:
        return next((notice for notice in self.notices if notice.data_year == data_year), None)

    def _years_public(self, consumption_year: int, on: date) -> list[int]:
        return sorted(
            (
                notice.data_year
                for notice in self.notices
                if notice.data_year <= consumption_year and notice.public_from <= on
            ),
            reverse=True,
        )


@lru_cache(maxsize=4)
def load_grid_factors(path: Path = GRID_FACTORS_FILE) -> GridFactors:
    """Read `grid_factors.yaml`. Raises FactsFileError when the file is wrong anywhere."""
    content = read_facts_file(path, HERE / "grid_factors.schema.json")
    version = content["version"]
    notices = tuple(
        Notice(**{**record, "public_from": civil_date(record["public_from"])} | _note(record))
        for record in content["notices"]
    )
    numbers = {notice.data_year: notice.number for notice in notices}

    def factor(
        place: str,
        year: str,
        value: Decimal,
        evidence: str,
        sources: list[str],
        notice: str | None = None,
    ) -> GridFactor:
        unknown = [source for source in sources if source not in content["sources"]]
        if unknown:
            raise FactsFileError(
                path.name,
                place,
                year,
                f"names the source {unknown[0]}, which the file does not describe",
                f"引用了文件中未说明的来源 {unknown[0]}",
            )
        return GridFactor(
            place=place,
            data_year=int(year),
            kg_per_kwh=Decimal(value),
            notice=numbers.get(int(year), "") if notice is None else notice,
            evidence=evidence,
            sources=tuple(sources),
            version=version,
        )

    by_year = content["province_evidence"]
    quota = content["renewable_quota_weights"]
    codes = [record["adcode"] for record in content["provinces"]]
    for index, code in enumerate(codes):
        if code in codes[:index]:
            raise FactsFileError(
                path.name,
                f"provinces[{index}]",
                "adcode",
                f"{code} is given twice",
                f"{code} 重复",
            )
    return GridFactors(
        version=version,
        document=document_from(content["document"]),
        notices=notices,
        province_names=tuple(
            (record["adcode"], record["name_zh"], record["name_en"])
            for record in content["provinces"]
        ),
        provinces=tuple(
            factor(
                record["adcode"], year, value, by_year[year]["evidence"], by_year[year]["sources"]
            )
            for record in content["provinces"]
            for year, value in record["years"].items()
            if value is not None
        ),
        regional=tuple(
            factor(
                record["name_zh"], year, value, record["evidence"], record["sources"].get(year, [])
            )
            for record in content["regional"]
            for year, value in record["years"].items()
            if value is not None
        ),
        national=tuple(
            factor(
                f"national:{record['kind']}",
                year,
                cell["value"],
                cell["evidence"],
                cell["sources"],
                (cell["notice"] or "") if "notice" in cell else None,
            )
            for record in content["national"]
            for year, cell in record["years"].items()
            if cell["value"] is not None
        ),
        renewable_quota_shares=tuple(
            (code, Decimal(weights["total"]) / 100) for code, weights in quota["provinces"].items()
        ),
        renewable_quota_year=quota["year"],
        renewable_quota_note=quota["year_status"].strip(),
    )


def _note(record: dict[str, Any]) -> dict[str, Any]:
    return {"note": record.get("note")}
