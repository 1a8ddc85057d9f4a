"""Matching: jobs x pools x hours -> placements with reasons, and a proof of how good they are.

Pure NumPy and Numba: no Django, no database, no clock. The public names are all here:

    market = Market(pools=[Pool(...)], jobs=[Job(...)], carbon=CarbonSeries({...}))
    result = plan(market, carbon_price_fen_per_kg=10, hours=168, seed=0) -> Plan
    explain(market, result, "job-7")        -> Explanation
    verify(market, result)                  -> list[Violation], [] = sound
    state = open_state(market, result)      -> State
    place_incremental(state, [Job(...)]) -> Incremental
    suggest_migrations(market, result, at_hour=30) -> list[Migration]

Hours are whole slots counted from the start of the horizon, periods are half-open, money is integer
fen, energy kWh, carbon kg CO2. Bad input raises ``MarketError`` (code, row, field, two texts).

The method ("price, place, improve, prove") and why it was chosen: docs/decisions/0005.
"""

from .columns import JobColumns
from .errors import MarketError
from .explain import Alternative, Explanation, explain
from .incremental import Incremental, State, open_state, place_incremental
from .market import CarbonSeries, Job, Market, Pool
from .migrate import Migration, suggest_migrations
from .plan import plan
from .result import REASONS, Certificate, Placement, Plan, PlanColumns, Unplaced
from .verify import Violation, verify

__all__ = [
    "REASONS",
    "Alternative",
    "CarbonSeries",
    "Certificate",
    "Explanation",
    "Incremental",
    "Job",
    "JobColumns",
    "Market",
    "MarketError",
    "Migration",
    "Placement",
    "Plan",
    "PlanColumns",
    "Pool",
    "State",
    "Unplaced",
    "Violation",
    "explain",
    "open_state",
    "place_incremental",
    "plan",
    "suggest_migrations",
    "verify",
]
