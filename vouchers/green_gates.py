"""The green gates of a programme's terms, and what was stated under them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from providers.green import Condition, GateAnswer, stated_answer

GREEN_METRICS = ("pue", "green_share")


def green_conditions(terms: Mapping[str, Any]) -> Iterator[Condition]:
    """The conditions on PUE and green electricity, of the whole terms and of their lines; each
    once. A gate whose bound the source does not state asks for nothing that could be held."""
    gates = [*(terms.get("green", {}).get("gates") or ())]
    for line in terms.get("benefit", {}).get("lines", ()):
        gates += line.get("gates") or ()
    seen = set()
    for gate in gates:
        key = gate["metric"], gate["op"], gate["value"]
        if gate["metric"] in GREEN_METRICS and gate["value"] is not None and key not in seen:
            seen.add(key)
            yield Condition(gate["metric"], gate["op"], Decimal(gate["value"]))


def stated_gates(terms: Mapping[str, Any], facts: Mapping[str, Any]) -> list[GateAnswer]:
    """Each green condition against the figure that was stated under it (layer `gate`)."""
    return [
        stated_answer(
            each, None if facts.get(each.metric) is None else Decimal(str(facts[each.metric]))
        )
        for each in green_conditions(terms)
    ]
