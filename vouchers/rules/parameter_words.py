"""What a parameter of the terms is called for people."""

from collections.abc import Mapping

PARAMETER_WORDS: Mapping[str, tuple[str, str]] = {
    "basis": ("what it is computed from", "计算基数"),
    "rate": ("the rate", "补贴比例"),
    "threshold_fen": ("the threshold", "门槛"),
    "amount_fen": ("the amount", "金额"),
    "cap_fen": ("the ceiling", "上限"),
    "quantity": ("the quantity", "数量"),
    "denominations_fen": ("the denominations", "面额"),
    "rate_points": ("the points of interest", "贴息点数"),
    "interest_share": ("the share of the interest", "贴息比例"),
    "fen_per_kwh": ("the subsidy per kWh", "每千瓦时补贴"),
    "pool_fen": ("the pool", "奖励总额"),
    "winners": ("how many win", "获奖数"),
    "split": ("how the pool is split", "分配办法"),
    "per": ("the period of the ceiling", "上限周期"),
    "gates": ("the gate", "门槛条件"),
    "lines": ("the benefit", "补贴标准"),
    "value": ("the bound", "界限"),
    "total_aid_rate": ("the total-aid ceiling", "财政支持累计上限"),
    "entity_types": ("who may apply", "申请主体类型"),
    "registered_in": ("where an applicant must be registered", "注册地要求"),
}


def words_for(key: str) -> tuple[str, str]:
    """(English, Chinese); the key itself where there is no word yet."""
    return PARAMETER_WORDS.get(key, (key, key))
