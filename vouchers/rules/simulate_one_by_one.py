"""Claims decided one after the other by the engine that decides real cases, for terms that
`simulate` does not vectorise; slower, so for fewer claims, and the report says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.answers import RuleError, Usage, UsageEntry
from vouchers.rules.civil_day import SHANGHAI
from vouchers.rules.entitlement import relevant_facts
from vouchers.rules.evaluate import evaluate
from vouchers.rules.simulate import DECISIONS, GRANTED, Simulation, check_columns, simulate
from vouchers.rules.terms import Terms

MOST_CLAIMS = 20_000
NOON = time(12)


@dataclass(frozen=True)
class Engine:
    """Which engine ran, and what kept the vectorised one from it (English, Chinese)."""

    name: str
    note_en: str = ""
    note_zh: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "text_en": self.note_en, "text_zh": self.note_zh}


VECTORISED = Engine("vectorised")


def simulate_one_by_one(
    terms: Terms,
    columns: Mapping[str, NDArray[Any]],
    *,
    on: NDArray[np.datetime64],
    enterprise: NDArray[Any],
) -> Simulation:
    """As `simulate`, in its order (day, row), by `evaluate`: every mechanic, exactly.

    Raises RuleError for incomplete terms, missing columns, facts that cannot be used, and more
    than MOST_CLAIMS claims.
    """
    check_columns(terms, columns)
    count = len(on)
    if count > MOST_CLAIMS:
        raise RuleError(
            "too_many_claims",
            "data",
            f"these terms are simulated one by one: at most {MOST_CLAIMS} claims",
            f"该政策须逐笔测算，最多 {MOST_CLAIMS} 笔",
        )
    plain = {name: column.tolist() for name, column in columns.items()}
    days: list[date] = on.astype("datetime64[D]").tolist()
    who, granted = enterprise.tolist(), dict[Any, list[UsageEntry]]()
    amount, decision = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int8)
    for row in np.argsort(on, kind="stable").tolist():
        past = granted.setdefault(who[row], [])
        answer = evaluate(
            terms,
            relevant_facts(terms, {name: values[row] for name, values in plain.items()}),
            at=datetime.combine(days[row], NOON, SHANGHAI),
            used=Usage(tuple(past)),
        )
        decision[row] = DECISIONS.index(answer.decision)
        if decision[row] == GRANTED:
            amount[row] = answer.amount_fen or 0
            past.append(UsageEntry(days[row], int(amount[row])))
    return Simulation(amount, decision, on)


def simulate_claims(
    terms: Terms,
    columns: Mapping[str, NDArray[Any]],
    *,
    on: NDArray[np.datetime64],
    enterprise: NDArray[Any],
) -> tuple[Simulation, Engine]:
    """The vectorised engine where it is exact, else the one-by-one engine, and which one it was.

    Raises RuleError as the engine that ran does.
    """
    try:
        return simulate(terms, columns, on=on, enterprise=enterprise), VECTORISED
    except RuleError as error:
        if error.code != "not_simulated":
            raise
        engine = Engine("one_by_one", error.text_en, error.text_zh)
    return simulate_one_by_one(terms, columns, on=on, enterprise=enterprise), engine
