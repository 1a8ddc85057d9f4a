"""What was traded in a period, as the books have it: every row, and each that does not count.

A basis is a document, not a figure. It holds each trade with the facts it was judged by, each
exclusion with its reason and amount, and three sums: gross = excluded + basis. `weigh` is pure, so
that the stored document replays byte for byte from its own rows.

Each fen is excluded once, for the first of these that applies: the order was cancelled; buyer and
seller, or buyer and beneficiary, are the same (self-dealing) or related; it was refunded; and, for
a settlement amount, it is not paid yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from vouchers.rules.canonical import canonical_json, digest

METHOD = "award-basis/1"
TRADED, SETTLED = "annual_trade_volume_fen", "settlement_amount_fen"
# The bases the books can tell. Any other is stated with evidence and given as a fact.
GATHERED = frozenset({TRADED, SETTLED})
REASONS: Mapping[str, tuple[str, str]] = {
    "cancelled": ("cancelled", "已取消"),
    "self_dealing": ("bought from oneself", "自买自卖"),
    "related_party": ("between related parties", "关联交易"),
    "refunded": ("refunded", "已退款"),
    "not_settled": ("not paid yet", "尚未结清"),
}


@dataclass(frozen=True)
class Trade:
    """One order as the books have it. Amounts in fen; parties by USCC.

    `ties` says how buyer and seller, or buyer and beneficiary, are related ("buyer-seller:…");
    `total_fen` of a cancelled order is its price. `settled_fen` is what was really paid, of it.
    """

    order: int
    on: date
    buyer: str
    seller: str
    total_fen: int
    refunded_fen: int = 0
    settled_fen: int = 0
    cancelled: bool = False
    ties: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "on": self.on.isoformat(), "ties": list(self.ties)}

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "Trade":
        return cls(**{**row, "on": date.fromisoformat(row["on"]), "ties": tuple(row["ties"])})


@dataclass(frozen=True)
class Basis:
    """A weighed basis: `document` as kept, its canonical `text` and SHA-256 `digest`."""

    document: Mapping[str, Any]

    @property
    def text(self) -> str:
        return canonical_json(self.document)

    @property
    def digest(self) -> str:
        return digest(self.document)

    @property
    def fact(self) -> str:
        return str(self.document["fact"])

    @property
    def basis_fen(self) -> int:
        return int(self.document["basis_fen"])

    @property
    def facts(self) -> dict[str, int]:
        """What the rule is asked with."""
        return {self.fact: self.basis_fen}


def weigh(
    trades: Iterable[Trade],
    *,
    fact: str,
    beneficiary: str,
    period_start: date,
    period_end: date,
    known_at: datetime,
) -> Basis:
    """Judge each trade of `beneficiary` (USCC) in [period_start, period_end), as known at
    `known_at`. The order in which rows come never matters. Raises ValueError for another basis.
    """
    if fact not in GATHERED:
        raise ValueError(f"the books do not tell {fact}")
    rows = sorted(trades, key=lambda trade: trade.order)
    exclusions = [each for row in rows for each in _exclusions(row, beneficiary, fact)]
    gross_fen = sum(row.total_fen for row in rows)
    excluded_fen = sum(each["amount_fen"] for each in exclusions)
    return Basis(
        {
            "method": METHOD,
            "fact": fact,
            "beneficiary": beneficiary,
            "period_start": period_start.isoformat(),
            "period_end": period_end.isoformat(),
            "known_at": known_at.isoformat(),
            "trades": [row.as_dict() for row in rows],
            "exclusions": exclusions,
            "gross_fen": gross_fen,
            "excluded_fen": excluded_fen,
            "basis_fen": gross_fen - excluded_fen,
        }
    )


def replay_basis(document: Mapping[str, Any]) -> Basis:
    """The basis computed again from the rows `document` holds. Raises KeyError, ValueError."""
    return weigh(
        [Trade.read(row) for row in document["trades"]],
        fact=document["fact"],
        beneficiary=document["beneficiary"],
        period_start=date.fromisoformat(document["period_start"]),
        period_end=date.fromisoformat(document["period_end"]),
        known_at=datetime.fromisoformat(document["known_at"]),
    )


def _exclusions(row: Trade, beneficiary: str, fact: str) -> list[dict[str, Any]]:
    whole = _whole(row, beneficiary)
    if whole is not None:
        reason, detail = whole
        return [_exclusion(row, reason, row.total_fen, detail)] if row.total_fen else []
    found = []
    if row.refunded_fen:
        found.append(_exclusion(row, "refunded", row.refunded_fen))
    open_fen = row.total_fen - row.refunded_fen - row.settled_fen
    if fact == SETTLED and open_fen > 0:
        found.append(_exclusion(row, "not_settled", open_fen))
    return found


def _whole(row: Trade, beneficiary: str) -> tuple[str, str] | None:
    """Why nothing of the trade counts, with what shows it."""
    if row.cancelled:
        return "cancelled", ""
    if row.buyer in (row.seller, beneficiary):
        return "self_dealing", row.buyer
    if row.ties:
        return "related_party", ", ".join(row.ties)
    return None


def _exclusion(row: Trade, reason: str, amount_fen: int, detail: str = "") -> dict[str, Any]:
    english, chinese = REASONS[reason]
    return {
        "order": row.order,
        "reason": reason,
        "amount_fen": amount_fen,
        "detail": detail,
        "text_en": english,
        "text_zh": chinese,
    }
