"""A pool shared by the first places. Guizhou: ≤ 5 million CNY a year for the first ten."""

from collections.abc import Mapping
from typing import Any

from vouchers.rules.worksheet import Worksheet


def equal_shares(pool_fen: int, winners: int) -> int:
    """Fen for each winner, rounded down; the remainder stays in the pool."""
    return pool_fen // winners


def apply_ranked_pool(line: Mapping[str, Any], sheet: Worksheet) -> int | None:
    """The winner's share, 0 beyond the last winning place, None when the split is not stated."""
    place = sheet.fact("rank")
    pool, winners = sheet.parameter(line, "pool_fen"), sheet.parameter(line, "winners")
    split = sheet.parameter(line, "split")
    if place is None or pool is None or winners is None:
        return None
    sheet.money("pool", pool, "pool of the period", "奖励总额")
    wins = sheet.judge(
        1 <= place <= winners,
        "rank",
        f"place {place}, the first {winners} win",
        f"第 {place} 名，前 {winners} 名获奖",
        at="/winners",
        fact="rank",
    )
    if not wins:
        return 0
    if split is None:
        return None
    share = equal_shares(pool, winners)
    sheet.money("share", share, "equal share, rounded down", "均分（向下取整）")
    return share
