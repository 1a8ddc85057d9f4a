"""Gates: the plain conditions that programmes and workloads put on a facility, each held alone.

A figure comes from one of three layers, which are never mixed:
  official   a copied certificate; never computed here
  computed   our index, from meters and certificates, by a rating that holds
  gate       what an application under the gate states; neither copied nor computed
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal

from .evidence import OfficialStatus
from .exact import civil_day

# Levels from lowest to highest. Grades and numbered levels: 1 is best.
_ORDER = {
    "green_low_carbon_level": ("A", "2A", "3A", "4A", "5A"),
    "gb_t_44989_2024": ("3", "2", "1"),
    "gb_40879_2021": ("3", "2", "1"),
}
# A condition's figure → the indicator of a rating that says it.
INDICATOR_OF = {
    "green_tier": "green_tier",
    "pue": "pue",
    "renewable_share": "renewable",
    "green_share": "renewable",
    "hourly_cfe": "hourly_cfe",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`metric` is a figure of the index with `op` >=, >, <=, < or == and a bound; or the kind of an
    official status, to be held at level `bound` or better ("" = at any level)."""

    metric: str
    op: str
    bound: Decimal | str

    @property
    def is_official(self) -> bool:
        return self.metric not in INDICATOR_OF


@dataclass(frozen=True, slots=True)
class Held:
    """What a facility has to show. `index` None = no rating holds; a figure it lacks is unrated."""

    index: Mapping[str, Decimal] | None
    index_source: str = ""
    statuses: tuple[OfficialStatus, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One condition and its answer. `actual` None = nothing to show, which meets no bound."""

    metric: str
    op: str
    asked: str
    actual: str | None
    met: bool
    layer: str
    source: str

    def as_dict(self) -> dict[str, str | bool | None]:
        return asdict(self)


def gate_answers(
    conditions: Iterable[Condition], held: Held, *, at: datetime
) -> tuple[GateAnswer, ...]:
    """Every condition with the asked and the actual figure, met or not, and the layer."""
    return tuple(
        _official(each, held.statuses, at) if each.is_official else _computed(each, held)
        for each in conditions
    )


def stated_answer(condition: Condition, stated: Decimal | None) -> GateAnswer:
    """The answer to a condition on what an application states itself."""
    return _compared(condition, stated, layer="gate", source="")


def _computed(condition: Condition, held: Held) -> GateAnswer:
    figures = held.index or {}
    actual = figures.get(INDICATOR_OF[condition.metric])
    source = held.index_source if actual is not None else ""
    return _compared(condition, actual, layer="computed", source=source)


def _compared(
    condition: Condition, actual: Decimal | None, *, layer: str, source: str
) -> GateAnswer:
    bound = Decimal(condition.bound)
    met = (
        actual is not None
        and {
            ">=": actual >= bound,
            ">": actual > bound,
            "<=": actual <= bound,
            "<": actual < bound,
            "==": actual == bound,
        }[condition.op]
    )
    shown = None if actual is None else _plain(actual)
    return GateAnswer(
        condition.metric, condition.op, _plain(bound), shown, met, layer=layer, source=source
    )


def _official(
    condition: Condition, statuses: tuple[OfficialStatus, ...], at: datetime
) -> GateAnswer:
    day, level = civil_day(at), str(condition.bound)
    valid = [
        status
        for status in statuses
        if status.kind == condition.metric
        and (status.valid_from is None or status.valid_from <= day)
        and (status.valid_until is None or day < status.valid_until)
    ]
    best = max(valid, key=lambda each: (_place(each), each.certificate_number), default=None)
    return GateAnswer(
        condition.metric,
        ">=",
        level,
        best.level if best else None,
        met=any(_reaches(each, level) for each in valid),
        layer="official",
        source=f"{best.certificate_number}, {best.issuer}" if best else "",
    )


def _place(status: OfficialStatus) -> int:
    order = _ORDER.get(status.kind, ())
    return order.index(status.level) if status.level in order else -1


def _reaches(status: OfficialStatus, level: str) -> bool:
    order = _ORDER.get(status.kind, ())
    if not level:
        return True
    if status.level not in order or level not in order:
        return status.level == level
    return order.index(status.level) >= order.index(level)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
