"""Sample prices. No sourced price of any provider is among the facts, so these are made up as such.

They are round numbers in a plausible order of cards, fen per card-hour, and mean nothing more.
"""

# accelerator id -> fen per card-hour (卡时), sample
BASE_FEN_PER_CARD_HOUR = {
    "nvidia-t4": 180,
    "nvidia-p100-pcie-16gb": 220,
    "nvidia-v100-sxm2-16gb": 420,
    "nvidia-v100-sxm2-32gb": 520,
    "nvidia-a100-sxm4-40gb": 800,
    "nvidia-a100-sxm4-80gb": 1050,
    "nvidia-h800-sxm": 1900,
    "huawei-ascend-910": 450,
    "huawei-ascend-910b": 700,
    "cambricon-mlu370-x8": 380,
    "t-head-ppu": 620,
}

# Sample factor by the hub's grid of demand, percent of the base price.
HUB_PERCENT = {
    "京津冀枢纽": 108,
    "长三角枢纽": 112,
    "粤港澳大湾区枢纽": 110,
    "成渝枢纽": 98,
    "贵州枢纽": 92,
    "内蒙古枢纽": 88,
    "甘肃枢纽": 86,
    "宁夏枢纽": 87,
}


def sample_price_fen(accelerator_id: str, hub: str, spread_percent: int) -> int:
    """Base price x hub factor x spread (percent), whole fen, half up. A sample, not an offer."""
    base = BASE_FEN_PER_CARD_HOUR[accelerator_id]
    return (base * HUB_PERCENT[hub] * spread_percent + 5000) // 10000
