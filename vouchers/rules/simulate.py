"""A policy run over many claims at once, equal to the one-by-one engine claim by claim.

Columns are NumPy arrays of one length: facts by name, `enterprise` (any hashable) and `on` (civil
day in Shanghai, datetime64[D]). Claims are taken in the order (day, row): each sees what the same
enterprise was granted before. Facts that the policy's clauses ask for must be there as columns.
What this file cannot vectorise exactly it refuses by name instead of approximating.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.answers import RuleError
from vouchers.rules.eligibility import lies_within
from vouchers.rules.exact import fraction_of
from vouchers.rules.facts import BASES
from vouchers.rules.terms import Terms
from vouchers.rules.uses import facts_used
from vouchers.rules.when import DEFAULTS

Flags = NDArray[np.bool_]
Fen = NDArray[np.int64]

GRANTED, REFUSED, INCOMPLETE = 0, 1, 2
DECISIONS = ("granted", "refused", "incomplete")
_MECHANICS = (
    "rate",
    "matching_grant",
    "threshold_rate",
    "tiers_marginal",
    "tiers_whole",
    "lump_sum",
)


@dataclass(frozen=True)
class Simulation:
    """amount_fen and decision (codes into DECISIONS) by claim, in the order given."""

    amount_fen: Fen
    decision: NDArray[np.int8]
    on: NDArray[np.datetime64]

    @property
    def cost_fen(self) -> int:
        return int(self.amount_fen.sum())

    def cost_by_month(self) -> dict[str, int]:
        """ "YYYY-MM" → fen granted, in order."""
        months, place = np.unique(self.on.astype("datetime64[M]"), return_inverse=True)
        sums = np.zeros(len(months), dtype=np.int64)
        np.add.at(sums, place, self.amount_fen)
        return {str(month): int(total) for month, total in zip(months, sums, strict=True)}

    def exhausted_on(self, budget_fen: int) -> date | None:
        """First day on which the money asked for passes the budget; None when it never does."""
        order = np.argsort(self.on, kind="stable")
        over = np.flatnonzero(np.cumsum(self.amount_fen[order]) > budget_fen)
        return self.on[order][over[0]].astype(object) if len(over) else None

    def by(self, labels: NDArray[Any]) -> dict[str, int]:
        """Label (size, district ...) → fen granted."""
        names, place = np.unique(labels, return_inverse=True)
        sums = np.zeros(len(names), dtype=np.int64)
        np.add.at(sums, place, self.amount_fen)
        return {str(name): int(total) for name, total in zip(names, sums, strict=True)}


def floor_rate(basis_fen: Fen, rate: Fraction) -> Fen:
    """floor(basis × rate) without overflow: whole and rest of the division apart."""
    top, bottom = rate.numerator, rate.denominator
    whole, rest = np.divmod(basis_fen, bottom)
    found: Fen = whole * top + rest * top // bottom
    return found


def _refuse(what: str) -> RuleError:
    return RuleError(
        "not_simulated",
        what,
        f"{what} is not vectorised; evaluate one by one",
        f"{what} 暂不支持批量模拟，请逐笔测算",
    )


def check_columns(terms: Terms, columns: Mapping[str, Any]) -> None:
    """Raise RuleError for terms or columns that no engine could decide claims from."""
    document = terms.document
    if terms.missing:
        raise RuleError(
            "incomplete_terms",
            terms.missing[0].pointer,
            "the terms are incomplete",
            "政策参数不完整",
        )
    needed = set(facts_used(document)) - BASES - {"approved_rate"} - set(DEFAULTS)
    minimums = document.get("minimums", {}).get("spend", ())
    needed |= {minimum["fact"] for minimum in minimums}
    absent = sorted(needed - set(columns))
    if absent:
        raise RuleError(
            "column_missing",
            absent[0],
            f"columns needed: {', '.join(absent)}",
            f"缺少列：{'、'.join(absent)}",
        )


def check_simulable(terms: Terms, columns: Mapping[str, Any]) -> None:
    """Raise RuleError for terms or columns the vectorised engine would not get exactly right."""
    check_columns(terms, columns)
    document = terms.document
    for line in document["benefit"]["lines"]:
        if line["mechanic"] not in _MECHANICS:
            raise _refuse(f"line {line['id']} ({line['mechanic']})")
        if line.get("rate_is_ceiling") and "approved_rate" in columns:
            raise _refuse("approved_rate")
    if "total_aid_rate" in document.get("stacking", {}) or "items" in columns:
        raise _refuse("total_aid_rate or items")
    for cap in document.get("caps", ()):
        if cap["per"] in ("contract", "rolling_months"):
            raise _refuse(f"a cap per {cap['per'].removesuffix('_months')}")


def _compare(values: NDArray[Any], op: str, bound: Any) -> Flags:
    if values.dtype.kind in "iu":
        exact = fraction_of(bound)
        left, right = values * exact.denominator, exact.numerator
    else:
        table: dict[Any, Fraction] = {one: fraction_of(one) for one in set(values.tolist())}
        left = np.array([table[one] for one in values.tolist()], dtype=object)
        right = fraction_of(bound)  # type: ignore[assignment]
    operators: dict[str, Callable[[Any, Any], Any]] = {
        ">=": np.greater_equal,
        ">": np.greater,
        "<=": np.less_equal,
        "<": np.less,
        "==": np.equal,
    }
    return operators[op](left, right).astype(bool)


def _when(when: Mapping[str, Any], columns: Mapping[str, NDArray[Any]], count: int) -> Flags:
    holds = np.ones(count, dtype=bool)
    words = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}
    for name, wanted in when.items():
        values = columns.get(name)
        if values is None:
            values = np.full(count, DEFAULTS[name])
        if not isinstance(wanted, Mapping):
            holds &= values == wanted
            continue
        for op, bound in wanted.items():
            holds &= (
                np.isin(values, bound) if op == "one_of" else _compare(values, words[op], bound)
            )
    return holds


def _within(codes: NDArray[Any], region: str) -> Flags:
    names, place = np.unique(codes, return_inverse=True)
    found: Flags = np.array([lies_within(str(name), region) for name in names], dtype=bool)[place]
    return found


def _inside(days: NDArray[Any], period: Mapping[str, str]) -> Flags:
    days = days.astype("datetime64[D]")
    inside = np.ones(len(days), dtype=bool)
    if "from" in period:
        inside &= days >= np.datetime64(period["from"])
    if "through" in period:
        inside &= days <= np.datetime64(period["through"])
    return inside


def _days(columns: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.datetime64]:
    return columns[name].astype("datetime64[D]")


def _months(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Months of each contract, a begun month counted as one."""
    starts, ends = _days(columns, "contract_starts_on"), _days(columns, "contract_ends_on")
    first, last = starts.astype("datetime64[M]"), ends.astype("datetime64[M]")
    later = (ends - last.astype("datetime64[D]")) > (starts - first.astype("datetime64[D]"))
    return (last - first).astype(np.int64) + later


def _in_period(
    line: Mapping[str, Any], basis: Fen, columns: Mapping[str, NDArray[Any]]
) -> tuple[Fen, Flags]:
    """(basis × days inside / days of the contract, cut down; contracts without a day)."""
    rule = line["pro_rata"]
    starts, ends = _days(columns, "contract_starts_on"), _days(columns, "contract_ends_on")
    first = np.maximum(starts, np.datetime64(rule["from"]))
    last = np.minimum(ends, np.datetime64(rule["through"]))
    both = 1 if rule["days"] == "inclusive" else 0
    inside = np.maximum((last - first).astype(np.int64) + both, 0)
    whole = np.maximum((ends - starts).astype(np.int64) + both, 0)
    empty = whole <= 0
    whole, inside = np.where(empty, 1, whole), np.where(empty, 0, inside)
    times, rest = np.divmod(basis, whole)
    quantum = line.get("quantum_fen", 1)
    return (times * inside + rest * inside // whole) // quantum * quantum, empty


def _gates(gates: Sequence[Mapping[str, Any]], columns: Mapping[str, Any], count: int) -> Flags:
    holds = np.ones(count, dtype=bool)
    for gate in gates:
        holds &= _compare(columns[gate["metric"]], gate["op"], gate["value"])
    return holds


def _clauses(
    terms: Terms, columns: Mapping[str, NDArray[Any]], on: NDArray[Any]
) -> tuple[Flags, Flags]:
    """(every clause holds, something is unknown) by claim, the benefit itself left aside."""
    count = len(on)
    fine, unknown = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
    windows, applicants = terms.clause("windows"), terms.clause("applicants")
    if "in_force" in windows:
        inside = _inside(on, windows["in_force"])
        if windows.get("extension_unknown"):
            unknown |= ~inside
        else:
            fine &= inside
    if "application" in windows:
        fine &= _inside(on, windows["application"])
    if "contract_signed" in windows:
        fine &= _inside(columns["contract_signed_on"], windows["contract_signed"])
    if "contract_months_at_most" in windows:
        fine &= _months(columns) <= windows["contract_months_at_most"]
    for key, name in (
        ("entity_types", "entity_type"),
        ("sizes", "size"),
        ("industries", "industry"),
    ):
        if applicants.get(key):
            fine &= np.isin(columns[name], applicants[key])
    if applicants.get("registered_in"):
        fine &= _within(columns["registered_adcode"], applicants["registered_in"])
    if "age_months_at_most" in applicants:
        fine &= columns["company_age_months"] <= applicants["age_months_at_most"]
    providers, stacking = terms.clause("providers"), terms.clause("stacking")
    if providers.get("non_affiliated"):
        fine &= ~columns["provider_affiliated"].astype(bool)
    if providers.get("listed"):
        fine &= columns["provider_listed"].astype(bool)
    if providers.get("registered_in"):
        fine &= _within(columns["provider_adcode"], providers["registered_in"])
    for key, name in (
        ("same_contract_once", "contract_already_awarded"),
        ("no_other_public_aid", "other_public_aid"),
        ("not_both_sides", "also_applies_as_supplier"),
    ):
        if stacking.get(key):
            fine &= ~columns[name].astype(bool)
    compute, region = terms.clause("compute"), terms.clause("cross_region")
    if "compute_kind" in columns and (compute.get("eligible") or compute.get("excluded")):
        kinds = columns["compute_kind"]
        fine &= ~np.isin(kinds, compute.get("excluded", []))
        if compute.get("eligible"):
            fine &= np.isin(kinds, compute["eligible"])
    if region.get("spend_within") and "spending_adcode" in columns:
        places = [
            _within(columns["spending_adcode"], code)
            for code in (region["spend_within"], *region.get("accepted_in", []))
        ]
        fine &= np.logical_or.reduce(places)
    if terms.clause("green").get("gates"):
        fine &= _gates(terms.clause("green")["gates"], columns, count)
    for minimum in terms.clause("minimums").get("spend", ()):
        fine &= columns[minimum["fact"]] >= minimum["amount_fen"]
    return fine, unknown


def _line(
    line: Mapping[str, Any], columns: Mapping[str, NDArray[Any]], count: int
) -> tuple[Fen, Flags]:
    """(amount, refused by its own gate or threshold) of one claimed line."""
    refused = ~_gates(line.get("gates", ()), columns, count)
    quantum = line.get("quantum_fen", 1)
    if line["mechanic"] == "lump_sum":
        amount = np.full(count, line["amount_fen"], dtype=np.int64)
    else:
        basis = columns[line["basis"]].astype(np.int64)
        if "pro_rata" in line:
            basis, empty = _in_period(line, basis, columns)
            refused |= empty
        if line["mechanic"].startswith("tiers"):
            amount, below = _tiers(line, basis)
            refused |= below
        else:
            rate = fraction_of(line["rate"])
            base = basis
            if line["mechanic"] == "threshold_rate":
                least = line["threshold_fen"]
                reached = basis >= least if line.get("threshold_inclusive", True) else basis > least
                refused |= ~reached
                if line.get("threshold_on", "whole") == "excess":
                    base = np.maximum(basis - least, 0)
            amount = floor_rate(base, rate)
    amount = amount // quantum * quantum
    if line.get("cap_fen") is not None:
        amount = np.minimum(amount, line["cap_fen"])
    return amount, refused


def _tiers(line: Mapping[str, Any], basis: Fen) -> tuple[Fen, Flags]:
    rates = [fraction_of(tier["rate"]) for tier in line["tiers"]]
    if line["mechanic"] == "tiers_marginal":
        common = np.lcm.reduce([rate.denominator for rate in rates], dtype=np.int64)
        whole, rest = np.zeros_like(basis), np.zeros_like(basis)
        for tier, rate in zip(line["tiers"], rates, strict=True):
            high = np.minimum(basis, tier.get("up_to_fen", np.iinfo(np.int64).max))
            inside = np.maximum(high - tier["from_fen"], 0)
            times = rate.numerator * int(common) // rate.denominator
            quotient, remainder = np.divmod(inside, common)
            whole += quotient * times
            rest += remainder * times
        return whole + rest // common, np.zeros(len(basis), dtype=bool)
    amount, found = np.zeros_like(basis), np.zeros(len(basis), dtype=bool)
    for index, (tier, rate) in enumerate(zip(line["tiers"], rates, strict=True)):
        low, high = tier["from_fen"], tier.get("up_to_fen", np.iinfo(np.int64).max)
        if line.get("edge_belongs", "above") == "above":
            inside = (basis >= low) & (basis < high)
        else:
            inside = ((basis > low) | ((index == 0) & (basis == low))) & (basis <= high)
        amount = np.where(inside & ~found, floor_rate(basis, rate), amount)
        found |= inside
    return amount, ~found


def _benefit(
    terms: Terms, columns: Mapping[str, NDArray[Any]], count: int
) -> tuple[Fen, Flags, Flags]:
    """(amount, refused, nothing could be told) by claim before caps."""
    how = terms.document["benefit"]["combine"]
    lines = terms.document["benefit"]["lines"]
    if how != "first_that_applies":
        lines = sorted(lines, key=lambda line: line["id"])
    amount, refused = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
    applied, unclaimed = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for line in lines:
        applies = _when(line.get("when", {}), columns, count)
        if line.get("basis") is not None and line["basis"] not in columns:
            unclaimed |= applies
            continue
        value, failed = _line(line, columns, count)
        if how == "first_that_applies":
            new = applies & ~applied
            amount, refused = np.where(new, value, amount), np.where(new, failed, refused)
        else:
            good = applies & ~failed
            best = amount + value if how == "sum_of" else np.maximum(amount, value)
            amount, refused = np.where(good, best, amount), refused & ~good
        applied |= applies
    open_still = ~applied & unclaimed
    return np.where(refused, 0, amount), refused & ~open_still, open_still


def _rooms(
    terms: Terms, amount: Fen, counted: Flags, enterprise: NDArray[Any], on: NDArray[Any]
) -> tuple[Fen, Flags]:
    """(amount under the caps, refused there), claim by claim in time: caps and the smallest award
    depend on what was granted before, so this part is a loop over plain integers."""
    caps = [
        cap for cap in terms.document.get("caps", ()) if "applied" in cap.get("counts", ["applied"])
    ]
    single = min(
        (
            cap["amount_fen"]
            for cap in terms.document.get("caps", ())
            if cap["per"] in ("application", "voucher") or cap not in caps
        ),
        default=None,
    )
    least = terms.clause("minimums").get("award_fen", 0)
    running = [cap for cap in caps if cap["per"] in ("natural_year", "lifetime")]
    if single is not None:
        capped = np.minimum(amount, single)
        refused = counted & (amount > 0) & (capped == 0)
    else:
        capped, refused = amount.copy(), np.zeros(len(amount), dtype=bool)
    if not running:
        small = counted & (capped > 0) & (capped < least)
        return np.where(small | refused, 0, capped), refused | small
    order = np.argsort(on, kind="stable")
    years = on.astype("datetime64[Y]").astype(np.int64)
    _, who = np.unique(enterprise, return_inverse=True)
    by_year: dict[tuple[int, int], int] = {}
    ever: dict[int, int] = {}
    year_cap = min(
        (cap["amount_fen"] for cap in running if cap["per"] == "natural_year"), default=None
    )
    life_cap = min((cap["amount_fen"] for cap in running if cap["per"] == "lifetime"), default=None)
    out, no = capped.tolist(), refused.tolist()
    asked, whose, year = amount.tolist(), who.tolist(), years.tolist()
    live = counted.tolist()
    for row in order.tolist():
        if not live[row]:
            continue
        key = (whose[row], year[row])
        room = out[row]
        if year_cap is not None:
            left = max(year_cap - by_year.get(key, 0), 0)
            no[row] |= left == 0 and asked[row] > 0
            room = min(room, left)
        if life_cap is not None:
            left = max(life_cap - ever.get(whose[row], 0), 0)
            no[row] |= left == 0 and asked[row] > 0
            room = min(room, left)
        no[row] |= 0 < room < least
        out[row] = 0 if no[row] else room
        if out[row]:
            by_year[key] = by_year.get(key, 0) + out[row]
            ever[whose[row]] = ever.get(whose[row], 0) + out[row]
    return np.array(out, dtype=np.int64), np.array(no, dtype=bool)


def simulate(
    terms: Terms,
    columns: Mapping[str, NDArray[Any]],
    *,
    on: NDArray[np.datetime64],
    enterprise: NDArray[Any],
) -> Simulation:
    """Decide every claim. columns: fact → array of n values; on: n days; enterprise: n ids.

    Equal to `evaluate` called in order with what each enterprise was granted before as `applied`.
    Raises RuleError for incomplete terms, missing columns, or a mechanic that is not vectorised.
    """
    check_simulable(terms, columns)
    count = len(on)
    fine, unknown = _clauses(terms, columns, on)
    amount, refused, open_still = _benefit(terms, columns, count)
    unknown = unknown | open_still
    counted = fine & ~refused & ~unknown
    amount, over = _rooms(terms, amount, counted, enterprise, on)
    decision = np.where(~fine | refused | over, REFUSED, np.where(unknown, INCOMPLETE, GRANTED))
    decision = np.where((decision == GRANTED) & (amount == 0), REFUSED, decision).astype(np.int8)
    return Simulation(np.where(decision == GRANTED, amount, 0), decision, on)
