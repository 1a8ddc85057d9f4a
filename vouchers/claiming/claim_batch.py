"""The one call that answers claims, and what its rows mean.

Django calls it for one claim, the lane for a hundred; both read the same rows the same way.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.decisions import NotFound, Refusal
from vouchers.refusals import (
    BeyondAdmission,
    ClaimKeyReused,
    NotAdmitted,
    WindowNotOpenYet,
    WindowOver,
    WindowSuspended,
)

CALL = (
    "SELECT * FROM vouchers_claim_batch"
    "(%s, %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[])"
)
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class AskedClaim:
    """A claim as it arrived; `amount_fen` None asks for all one was admitted for."""

    enterprise_id: int
    person_id: int | None
    key: str
    amount_fen: int | None = None

    @property
    def body_hash(self) -> str:
        """What must be the same when the key comes again."""
        return hashlib.sha256(f"{self.amount_fen}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a claim; `replayed` when it was given before. Amounts in fen."""

    id: int
    window: int
    state: str
    place: int | None
    asked_fen: int
    granted_fen: int | None
    left_fen: int | None
    arrived_at: datetime
    replayed: bool

    def as_dict(self) -> dict[str, Any]:
        """The body both doors answer with; replaying it is byte for byte the same."""
        return {
            "id": self.id,
            "window": self.window,
            "state": self.state,
            "place": self.place,
            "asked_fen": self.asked_fen,
            "granted_fen": self.granted_fen,
            "left_fen": self.left_fen,
            "arrived_at": self.arrived_at.isoformat(),
            **REASONS[reason_code(self.state, self.asked_fen, self.granted_fen)],
        }


def arguments(window_id: int, claims: Sequence[AskedClaim]) -> list[Any]:
    """The parameters of CALL."""
    return [
        window_id,
        [claim.enterprise_id for claim in claims],
        [claim.person_id for claim in claims],
        [claim.key for claim in claims],
        [claim.body_hash for claim in claims],
        [claim.amount_fen for claim in claims],
    ]


def outcomes(window_id: int, rows: Sequence[Sequence[Any]]) -> list[Answered | Refusal]:
    """What each row of CALL says, in the order of the claims."""
    found: list[Answered | Refusal] = []
    for _nth, outcome, replayed, id_, state, place, asked, granted, left, arrived, _now in rows:
        if outcome == "answered":
            found.append(
                Answered(id_, window_id, state, place, asked, granted, left, arrived, replayed)
            )
        else:
            found.append(_REFUSALS[outcome]())
    return found


_REFUSALS: dict[str, Callable[[], Refusal]] = {
    "no_such_window": lambda: NotFound(thing="claim window"),
    "window_not_open_yet": WindowNotOpenYet,
    "window_over": WindowOver,
    "window_suspended": WindowSuspended,
    "not_admitted": NotAdmitted,
    "beyond_admission": BeyondAdmission,
    "key_reused": ClaimKeyReused,
}


def reason_code(state: str, asked_fen: int, granted_fen: int | None) -> str:
    """Why an answer is what it is."""
    if state in ("granted", "issued") and (granted_fen or 0) < asked_fen:
        return "granted_what_was_left"
    return {"issued": "granted"}.get(state, state)


def _reason(code: str, text_en: str, text_zh: str) -> dict[str, str]:
    return {"reason": code, "text_en": text_en, "text_zh": text_zh}


REASONS = {
    each["reason"]: each
    for each in (
        _reason(
            "granted",
            "Granted: when it was your turn the window held at least what you asked for.",
            "已核准：轮到贵单位时，窗口余额足以满足申领金额。",
        ),
        _reason(
            "granted_what_was_left",
            "Granted in part: you received the last that was left in the window.",
            "部分核准：贵单位获得了窗口最后的余额。",
        ),
        _reason(
            "waiting",
            "On the waiting list: the window's budget was gone at your turn. Value that comes back"
            " is given out in the order of places.",
            "候补中：轮到贵单位时窗口额度已用完；退回的额度将按序位依次递补。",
        ),
        _reason(
            "entered",
            "Entered in the lottery: the order is drawn after the window closes, from a seed whose"
            " hash was published before it opened.",
            "已参加摇号：窗口关闭后，按开窗前已公布哈希值的种子确定顺序。",
        ),
        _reason(
            "turned_away",
            "Nothing was left: the window closed before your place was reached.",
            "未获得：窗口关闭时仍未轮到贵单位的序位。",
        ),
        _reason("given_back", "You gave this grant back.", "贵单位已退回该额度。"),
    )
}
