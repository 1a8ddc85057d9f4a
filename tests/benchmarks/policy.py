"""Claims a second, one by one and simulated; the memory of a million (`make bench BENCH=policy`).

Every preset that opens as it is and that the simulator gets exactly right is run on the same
made-up claims: amounts log-normal about 300,000 CNY, 50,000 enterprises, the days of one year;
other facts are those that touch every clause. A sample is checked claim by claim against the
engine that decides real cases; where they differ, the benchmark fails. Figures are of one process.
`--quick` runs 100,000 claims.
"""

import argparse
import json
import resource
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouchers.presets import load_presets
from vouchers.presets.coverage import sample_facts, sample_instant
from vouchers.rules import RuleError, Terms, Usage, UsageEntry, evaluate
from vouchers.rules.civil_day import SHANGHAI, civil_day
from vouchers.rules.entitlement import relevant_facts
from vouchers.rules.facts import BASES
from vouchers.rules.simulate import simulate

ENTERPRISES, SEED = 50_000, 20261122
NOON = datetime.strptime("12", "%H").time()


def say(figure: str, value: float, unit: str, **detail: Any) -> None:
    told = {"bench": "policy", "figure": figure, "value": round(value, 4), "unit": unit}
    print(json.dumps({**told, "detail": detail}, ensure_ascii=False), flush=True)


def claims_for(terms: Terms, count: int) -> tuple[dict[str, Any], NDArray[Any], NDArray[Any]]:
    """Columns, days and enterprises of `count` claims, the same for the same count."""
    random = np.random.default_rng(SEED)
    amounts = np.exp(random.normal(np.log(300_000_00), 1.5, count)).astype(np.int64)
    columns: dict[str, Any] = {}
    for name, value in sample_facts(terms).items():
        if isinstance(value, list):
            continue
        columns[name] = amounts if name in BASES else np.full(count, value)
    first = np.datetime64(
        civil_day(sample_instant(terms, datetime(2025, 3, 1, 12, tzinfo=SHANGHAI)))
    )
    days = first + np.sort(random.integers(0, 300, count)).astype("timedelta64[D]")
    return columns, days, random.integers(0, ENTERPRISES, count)


def one_by_one(
    terms: Terms, columns: Mapping[str, Any], days: NDArray[Any], who: NDArray[Any]
) -> list[int]:
    """Fen granted by claim, by the engine that decides real cases."""
    granted: dict[int, list[UsageEntry]] = {}
    amounts = []
    for row in range(len(days)):
        facts = relevant_facts(terms, {name: each[row].item() for name, each in columns.items()})
        day = days[row].astype(object)
        entries = granted.setdefault(int(who[row]), [])
        answer = evaluate(
            terms,
            facts,
            at=datetime.combine(day, NOON, SHANGHAI),
            used=Usage(tuple(entries)),
        )
        amounts.append(answer.amount_fen)
        if answer.decision == "granted":
            entries.append(UsageEntry(day, answer.amount_fen))
    return amounts


def compare(name: str, terms: Terms, count: int, sample: int) -> float:
    """Print one preset's figures; how many times faster the simulation is."""
    columns, days, who = claims_for(terms, count)
    simulate(
        terms,
        {key: each[:100] for key, each in columns.items()},
        on=days[:100],
        enterprise=who[:100],
    )
    begun = time.perf_counter()
    found = simulate(terms, columns, on=days, enterprise=who)
    simulated = count / (time.perf_counter() - begun)
    few = {key: each[:sample] for key, each in columns.items()}
    begun = time.perf_counter()
    expected = one_by_one(terms, few, days[:sample], who[:sample])
    single = sample / (time.perf_counter() - begun)
    if found.amount_fen[:sample].tolist() != expected:
        raise SystemExit(f"{name}: the simulation and the one-by-one engine differ")
    say(
        f"simulated over one by one: {name}",
        simulated / single,
        "ratio",
        claims=count,
        simulated_per_second=round(simulated),
        one_by_one_per_second=round(single),
        cost_fen=found.cost_fen,
        checked_claims=sample,
    )
    return simulated / single


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    count = 100_000 if arguments.parse_args().quick else 1_000_000
    ratios, refused = [], []
    for name, preset in sorted(load_presets().items()):
        if preset.terms is None or not preset.openable:
            continue
        try:
            ratios.append(compare(name, preset.terms, count, 1_000))
        except RuleError as error:
            refused.append({"preset": name, "why": error.text_en})
    say(
        "memory of the largest simulation",
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "MiB",
        claims=count,
        presets=len(ratios),
        not_vectorised=refused,
    )
    say("simulated over one by one, median", float(np.median(ratios)), "ratio", presets=len(ratios))


if __name__ == "__main__":
    main()
