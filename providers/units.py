"""Typed units of compute: what may be added, what may be converted, and by which dated figure.

    卡时   card_hour              one accelerator for one hour
    核时   core_hour              one processor core for one hour
    P·h    pflops_hour_<precision>  10^15 operations per second for one hour, AT A STATED PRECISION
    TB·月  tb_month               one terabyte (10^12 bytes) kept for one civil month

Only card-hours and P·h of one precision convert into each other, and only through the catalogue's
dense peak of the very card (accelerators.yaml, dated by its version). 1 P·h at FP16 and 1 P·h at
FP32 are different things, as are cores and cards: asking is a UnitMismatch, never a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

from audit.decisions import Refusal

PRECISIONS = ("fp64", "fp32", "fp16", "fp8", "int8")
DIMENSIONS = {
    "card_hour": "accelerator time",
    "core_hour": "processor time",
    "tb_month": "storage time",
    **{f"pflops_hour_{precision}": f"operations at {precision}" for precision in PRECISIONS},
}
SIX_PLACES = Decimal("0.000001")


class UnitMismatch(Refusal):
    """Quantities of different kinds are neither added nor converted."""

    http_status = 422
    text_en = "{source} cannot become {target}: {why}."
    text_zh = "{source} 不能换算为 {target}：{why_zh}。"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount with its unit. Only like is added to like."""

    amount: Decimal
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in DIMENSIONS:
            raise UnitMismatch(
                source=self.unit, target="?", why="there is no such unit", why_zh="没有这个单位"
            )

    def __add__(self, other: "Quantity") -> "Quantity":
        if other.unit != self.unit:
            raise _mismatch(other.unit, self.unit)
        return Quantity(self.amount + other.amount, self.unit)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted quantity and the figure it rests on.

    `pflops_per_card` is the catalogue's dense peak; `catalogue_version` dates it.
    """

    quantity: Quantity
    pflops_per_card: Decimal
    catalogue_version: str


def pflops_of(peak: Mapping[str, Any], precision: str) -> Decimal | None:
    """Peta-operations per second of one card, from the catalogue's peaks; None = not known."""
    figure = peak.get(f"{precision}_tops" if precision == "int8" else f"{precision}_tflops")
    return None if figure is None else Decimal(figure) / 1000


def convert(
    quantity: Quantity, unit: str, *, peak: Mapping[str, Any], catalogue_version: str
) -> Conversion:
    """`quantity` in `unit`, for the card whose dense peaks are `peak`.

    Six decimals, half to even. Raises UnitMismatch between dimensions, between precisions, and when
    the catalogue knows no peak at that precision.
    """
    here, there = quantity.unit, unit
    cards = "card_hour"
    named = there if here == cards else here
    other = here if named == there else there
    if other != cards or not named.startswith("pflops_hour_"):
        raise _mismatch(here, there)
    precision = named.removeprefix("pflops_hour_")
    rate = pflops_of(peak, precision)
    if not rate:
        raise UnitMismatch(
            source=here,
            target=there,
            why=f"the catalogue gives no {precision} peak of this card",
            why_zh=f"目录中没有该加速卡的 {precision} 峰值",
        )
    with localcontext(Context(prec=34, rounding=ROUND_HALF_EVEN)):
        amount = quantity.amount * rate if here == cards else quantity.amount / rate
        return Conversion(Quantity(amount.quantize(SIX_PLACES), there), rate, catalogue_version)


def card_hour_price_fen(
    price_fen: Decimal, unit: str, *, peak: Mapping[str, Any], catalogue_version: str
) -> int:
    """A price per `unit` as whole fen per card-hour, half to even. Raises UnitMismatch."""
    if unit == "card_hour":
        return int(price_fen.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    hour = convert(Quantity(Decimal(1), "card_hour"), unit, peak=peak, catalogue_version="")
    return int((price_fen * hour.quantity.amount).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def _mismatch(source: str, target: str) -> UnitMismatch:
    return UnitMismatch(
        source=source,
        target=target,
        why=f"{DIMENSIONS.get(source, 'no unit')} is not {DIMENSIONS.get(target, 'a unit')}",
        why_zh="量纲不同",
    )
