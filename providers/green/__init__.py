"""Green, without a database: meter facts and certificates in, indicators, rating and carbon out.

Pure Python, exact decimals, no clock. Energy in kWh, water in m3, CO2 in kg, shares 0..1, times as
aware datetimes, periods half-open. The same inputs in any order give the same bytes.

    rate(method, facility, period, readings, claims, factors) -> Rating
        `green_tier` is 4 (best) .. 1, or None: unrated, which is not zero and meets no index gate.
        `score` counts the points that evidence has earned, of 100; items without evidence are in
        `unrated_items` and only widen `score_possible` and lower `completeness`.
        `raises` says what would raise it; `expires_at` when it ends; `bundle(rating)` is the JSON
        object that docs/verify_rating.py recomputes without this package.
    rating_factors(grid_factors, facility=, period=, on=) -> RatingFactors
    gate_answers(conditions, held, at=)          asked, actual, met, and the layer it is from
    summarise(readings, period) -> MeterYear     gaps named, impossible values quarantined
    indicators_of(...)                           and one function per indicator in `indicators`
    location_based(...), market_based(...)       two ledgers that are never blended
    within_facility(asked, metered)              jobs of an hour never above the facility's meter
    job_carbon(...) -> JobCarbon                 metered, else TDP x utilization marked estimated
    direct_connection(rules, ...) -> Decision    绿电直连 60 / 30 / 20 %

Inputs (frozen dataclasses): Facility, Period, Reading(kind, starts_at, ends_at, quantity),
Certificate, Settlement, OfficialStatus, Claims, RatingFactors, Condition. A malformed input raises
GreenInputError(field, text_en, text_zh); a wrong value inside well-formed evidence never raises, it
is quarantined or not counted, by name.
"""

from .bundle import bundle, canonical_input, canonical_output
from .carbon import (
    CarbonAmount,
    JobCarbon,
    JobEnergy,
    job_carbon,
    job_energy,
    location_based,
    market_based,
)
from .direct_connection import direct_connection
from .evidence import (
    Certificate,
    Claims,
    Facility,
    GreenInputError,
    MeterKind,
    OfficialStatus,
    Period,
    RatingFactors,
    Reading,
    Settlement,
    rating_factors,
)
from .facility_bound import (
    ExceededHour,
    by_clock_hour,
    jobs_above_facility,
    within_facility,
)
from .gates import Condition, GateAnswer, Held, gate_answers, stated_answer
from .indicators import Indicator, indicators_of
from .lateness import lateness
from .meters import Gap, MeterYear, Quarantined, summarise
from .plausibility import (
    ListedSlice,
    Suspicion,
    hours_above_energy,
    listed_twice,
    share_energy,
    sold_above_installed,
    useful_below_sold,
)
from .rating import ItemScore, Raise, Rating, rate

__all__ = [
    "CarbonAmount",
    "Certificate",
    "Claims",
    "Condition",
    "ExceededHour",
    "Facility",
    "Gap",
    "GateAnswer",
    "GreenInputError",
    "Held",
    "Indicator",
    "ItemScore",
    "JobCarbon",
    "JobEnergy",
    "ListedSlice",
    "MeterKind",
    "MeterYear",
    "OfficialStatus",
    "Period",
    "Quarantined",
    "Raise",
    "Rating",
    "RatingFactors",
    "Reading",
    "Settlement",
    "Suspicion",
    "bundle",
    "by_clock_hour",
    "canonical_input",
    "canonical_output",
    "direct_connection",
    "gate_answers",
    "hours_above_energy",
    "indicators_of",
    "job_carbon",
    "job_energy",
    "jobs_above_facility",
    "lateness",
    "listed_twice",
    "location_based",
    "market_based",
    "rate",
    "rating_factors",
    "share_energy",
    "sold_above_installed",
    "stated_answer",
    "summarise",
    "useful_below_sold",
    "within_facility",
]
