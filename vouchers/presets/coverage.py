"""Issuer by issuer: what is known, by which evidence, what is missing, and that it runs."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from vouchers.presets.load import Preset, load_presets
from vouchers.rules.answers import Evaluation
from vouchers.rules.civil_day import civil_day, starts_at
from vouchers.rules.eligibility import within
from vouchers.rules.evaluate import evaluate
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.terms import Terms
from vouchers.rules.uses import facts_used

_SAMPLE_FEN = 100_000_000_00  # 100 million CNY: above every printed threshold


@dataclass(frozen=True)
class CoverageRow:
    """One preset. runs: the decision on sample facts, or "-" where nothing is paid."""

    adcode: str
    region_zh: str
    issuer: str | None
    preset: str
    family: str
    kind: str
    mechanics: tuple[str, ...]
    known: tuple[str, ...]
    missing: tuple[str, ...]
    evidence: str
    state: str
    openable: bool
    seed_named: bool
    runs: str
    sample_amount_fen: int | None

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "mechanics": list(self.mechanics),
            "known": list(self.known),
            "missing": list(self.missing),
        }


def sample_facts(terms: Terms) -> dict[str, Any]:
    """Made-up facts that touch every clause of the terms once; marked sample wherever shown."""
    values: dict[str, Any] = {}
    for name in facts_used(terms.document):
        fact = CATALOGUE[name]
        values[name] = {
            "fen": _SAMPLE_FEN,
            "int": 1,
            "decimal": "1000000",
            "rate": "1",
            "bool": False,
            "date": "2025-01-01",
            "text": "sample",
            "choice": (fact.choices or ("",))[0],
            "texts": [],
            "items": [],
        }[fact.type]
    values |= {
        name: value
        for name, value in {
            "pue": "1.1",
            "loan_annual_rate": "0.04",
            "approved_rate": None,
            "contract_ends_on": "2025-12-31",
            "contract_signed_on": "2025-01-01",
            "provider_listed": True,
        }.items()
        if name in values
    }
    applicants = terms.clause("applicants")
    for clause, name in (
        ("entity_types", "entity_type"),
        ("industries", "industry"),
        ("sizes", "size"),
    ):
        if applicants.get(clause):
            values[name] = applicants[clause][0]
    if applicants.get("registered_in"):
        values["registered_adcode"] = applicants["registered_in"]
    if terms.clause("providers").get("registered_in"):
        values["provider_adcode"] = terms.clause("providers")["registered_in"]
    values |= _first_line(terms)
    return {name: value for name, value in values.items() if value is not None}


def sample_instant(terms: Terms, at: datetime) -> datetime:
    """An instant at which the terms are open: the first of their windows, or `at` without one."""
    windows = terms.clause("windows")
    for name in ("application", "in_force"):
        if name in windows and not within(civil_day(at), windows[name]):
            edge = windows[name].get("from") or windows[name]["through"]
            return starts_at(date.fromisoformat(edge))
    return at


def _first_line(terms: Terms) -> dict[str, Any]:
    """Facts under which the first benefit line applies."""
    found: dict[str, Any] = {}
    for name, wanted in ((terms.document["benefit"]["lines"] or [{}])[0].get("when", {})).items():
        if not isinstance(wanted, dict):
            found[name] = wanted
        elif "one_of" in wanted:
            found[name] = wanted["one_of"][0]
        else:
            found[name] = wanted.get("at_most", wanted.get("at_least", 0))
    return found


def _known(preset: Preset) -> tuple[str, ...]:
    """Names of the benefit parameters that are printed."""
    if preset.terms is None:
        return tuple(sorted(preset.document["printed"].get("rule", {})))
    document = preset.terms.document
    found: dict[str, None] = {}
    for line in document["benefit"]["lines"] or ():
        for key in (
            "basis",
            "rate",
            "amount_fen",
            "threshold_fen",
            "cap_fen",
            "quantity",
            "pool_fen",
            "fen_per_kwh",
            "rate_points",
            "interest_share",
        ):
            if line.get(key) is not None:
                found[key] = None
    if any(cap["amount_fen"] is not None for cap in document.get("caps", ())):
        found["cap"] = None
    budget = document.get("budget", {})
    if budget.get("annual_fen") is not None or budget.get("total_fen") is not None:
        found["budget"] = None
    return tuple(found)


def _row(preset: Preset, at: datetime) -> CoverageRow:
    terms = preset.terms
    answer: Evaluation | None = None
    if terms is not None:
        answer = evaluate(
            terms, sample_facts(terms), at=sample_instant(terms, at), preset=preset.id
        )
    lines = (terms.document["benefit"]["lines"] or []) if terms else []
    return CoverageRow(
        adcode=preset.adcode,
        region_zh=preset.region_zh,
        issuer=preset.source["issuer"],
        preset=preset.id,
        family=preset.family,
        kind=preset.kind,
        mechanics=tuple(sorted({line["mechanic"] for line in lines})),
        known=_known(preset),
        missing=tuple(one.pointer for one in preset.missing),
        evidence=preset.evidence_of_numbers,
        state=preset.state,
        openable=preset.openable,
        seed_named=bool(preset.document.get("seed_named")),
        runs=answer.decision if answer else "-",
        sample_amount_fen=answer.amount_fen if answer else None,
    )


def coverage(at: datetime) -> list[CoverageRow]:
    """One row per preset, by region code. The sample is made at `at`, or where windows are open."""
    rows = [_row(preset, at) for preset in load_presets().values()]
    return sorted(rows, key=lambda row: (row.adcode, row.family, row.preset))
