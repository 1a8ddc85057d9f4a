"""What the control room refuses, by name."""

from audit.decisions import Refusal


class CapacityGone(Refusal):
    """Somebody else took the hours first."""

    text_en = "Pool {pool} has no {units} units left in every hour from {starts_at} to {ends_at}."
    text_zh = "资源池 {pool} 在 {starts_at} 至 {ends_at} 之间已不足 {units} 个单元。"


class PlacementExpired(Refusal):
    """The offer of this placement has run out."""

    text_en = "The placement was valid until {valid_until}."
    text_zh = "该选址方案有效期至 {valid_until}。"


class PlatformCannotDispatch(Refusal):
    """The platform is under construction or has no connector."""

    text_en = "{platform} ({status}) cannot dispatch."
    text_zh = "{platform}（{status}）不能下发作业。"


class MarketIsBeingPlanned(Refusal):
    """Another worker holds the lease."""

    text_en = "Market {market} is being planned until {expires_at}."
    text_zh = "市场 {market} 正在规划中，直至 {expires_at}。"


class LeaseLost(Refusal):
    """The lease went to somebody else meanwhile; this plan is refused whole."""

    text_en = "The matching lease of {market} was lost; the plan is discarded."
    text_zh = "市场 {market} 的规划租约已失效，本次方案作废。"
