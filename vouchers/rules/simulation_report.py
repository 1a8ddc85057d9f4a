"""What a draft would have cost, whom it helps and hurts, and where it jumps: for its approvers.

Figures are the vectorised engine's, which a property test holds equal to the one-by-one engine;
where terms are not vectorised they are the one-by-one engine's, and the report says so. Amounts
are fen.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.answers import RuleError
from vouchers.rules.cliffs import beside, cliffs
from vouchers.rules.exact import fraction_of
from vouchers.rules.simulate import DECISIONS, Simulation
from vouchers.rules.simulate_one_by_one import MOST_CLAIMS, VECTORISED, simulate_claims
from vouchers.rules.terms import Terms

Columns = Mapping[str, NDArray[Any]]
SHOWN = 20
CHANGES = (Fraction(9, 10), Fraction(11, 10))


def simulation_report(
    terms: Terms,
    columns: Columns,
    *,
    on: NDArray[np.datetime64],
    enterprise: NDArray[Any],
    current: Terms | None = None,
    budget_fen: int | None = None,
    progress: Callable[[int], None] = lambda _percent: None,
) -> dict[str, Any]:
    """The report as JSON. `current`: the terms in force, for winners and losers. `progress` is
    told a percentage. Raises RuleError for what the engine does not run exactly."""
    run, engine = simulate_claims(terms, columns, on=on, enterprise=enterprise)
    progress(20)
    exhausted: date | None = run.exhausted_on(budget_fen) if budget_fen is not None else None
    report: dict[str, Any] = {
        "engine": engine.as_dict(),
        "claims": len(on),
        "enterprises": len(np.unique(enterprise)),
        "cost_fen": run.cost_fen,
        "decisions": {
            word: int((run.decision == code).sum()) for code, word in enumerate(DECISIONS)
        },
        "cost_by_month": run.cost_by_month(),
        "budget_fen": budget_fen,
        "exhausted_on": exhausted.isoformat() if exhausted else None,
        "by_size": run.by(columns["size"]) if "size" in columns else None,
        "by_district": (
            run.by(columns["registered_adcode"]) if "registered_adcode" in columns else None
        ),
        "cliffs": list(_cliffs(terms, columns)),
        "against_current": None,
    }
    if current is not None:
        try:
            before, _engine = simulate_claims(current, columns, on=on, enterprise=enterprise)
            report["against_current"] = _compared(before, run, enterprise)
        except RuleError as error:
            report["against_current"] = {"unknown": error.text_en, "unknown_zh": error.text_zh}
    progress(40)
    runs = 2 * len(list(parameters(terms.document)))
    affordable = engine is VECTORISED or len(on) * runs <= 2 * MOST_CLAIMS
    report["sensitivity"] = (
        _sensitivity(terms, columns, on, enterprise, run.cost_fen, progress) if affordable else None
    )
    progress(100)
    return report


def _cliffs(terms: Terms, columns: Columns) -> Iterator[dict[str, Any]]:
    """Each jump with how many claims sit within a twentieth below and above it."""
    for cliff in cliffs(terms):
        if cliff.fact in columns:
            near = max(cliff.at_fen // 20, 1)
            below, above = beside(cliff, columns[cliff.fact], within_fen=near)
            yield {**cliff.as_dict(), "within_fen": near, "below": below, "above": above}


def _compared(before: Simulation, after: Simulation, enterprise: NDArray[Any]) -> dict[str, Any]:
    names, place = np.unique(enterprise, return_inverse=True)
    change = np.zeros(len(names), dtype=np.int64)
    np.add.at(change, place, after.amount_fen - before.amount_fen)
    order = np.argsort(change, kind="stable")

    def told(rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        return [
            {"enterprise": str(names[row]), "change_fen": int(change[row])}
            for row in rows.tolist()
            if change[row]
        ]

    return {
        "cost_fen": before.cost_fen,
        "change_fen": after.cost_fen - before.cost_fen,
        "winners": int((change > 0).sum()),
        "losers": int((change < 0).sum()),
        "unchanged": int((change == 0).sum()),
        "lose_most": [row for row in told(order[:SHOWN]) if row["change_fen"] < 0],
        "win_most": [row for row in told(order[::-1][:SHOWN]) if row["change_fen"] > 0],
    }


def parameters(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """(JSON pointer, path) of every number an officer could turn."""
    for index, line in enumerate(document["benefit"]["lines"] or ()):
        for key in ("rate", "cap_fen", "threshold_fen", "amount_fen"):
            if line.get(key) is not None:
                path: tuple[Any, ...] = ("benefit", "lines", index, key)
                yield f"/benefit/lines/{index}/{key}", path
    for index, _cap in enumerate(document.get("caps", ())):
        yield f"/caps/{index}/amount_fen", ("caps", index, "amount_fen")
    for index, _minimum in enumerate(document.get("minimums", {}).get("spend", ())):
        where = ("minimums", "spend", index, "amount_fen")
        yield f"/minimums/spend/{index}/amount_fen", where


def _sensitivity(
    terms: Terms,
    columns: Columns,
    on: NDArray[np.datetime64],
    enterprise: NDArray[Any],
    cost_fen: int,
    progress: Callable[[int], None],
) -> list[dict[str, Any]]:
    """What a tenth less and a tenth more of each parameter changes; null where terms forbid it."""
    found = []
    turnable = list(parameters(terms.document))
    for done, (pointer, path) in enumerate(turnable):
        progress(40 + 60 * done // len(turnable))
        changes: list[int | None] = []
        for factor in CHANGES:
            try:
                turned = _turned(terms, path, factor)
                run, _engine = simulate_claims(turned, columns, on=on, enterprise=enterprise)
                changes.append(run.cost_fen - cost_fen)
            except RuleError:
                changes.append(None)
        found.append(
            {"pointer": pointer, "tenth_less_fen": changes[0], "tenth_more_fen": changes[1]}
        )
    return found


def _turned(terms: Terms, path: tuple[Any, ...], factor: Fraction) -> Terms:
    document = copy.deepcopy(dict(terms.document))
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    new = fraction_of(old) * factor
    place[path[-1]] = (
        new.numerator // new.denominator
        if isinstance(old, int)
        else f"{new.numerator}/{new.denominator}"
    )
    return Terms.load(document)
