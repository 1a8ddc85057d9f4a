"""Sample market: real jobs and printed facts made into something to trade. Nobody's real offer.

Every record carries ``sample = True``; names begin with 示例. How facts and trace become market
data is told in docs/guides/sample-data.md. Pure functions, no database; the same seed gives the
same market on every machine and Python version::

    build_market(seed=SEED) -> SampleMarket       providers, facilities, pools, offers
    sample_workloads(count, starts_at=..., seed=SEED) -> tuple[SampleWorkload, ...]
    load_jobs() -> tuple[TraceJob, ...]           the extract of the PAI-2020 trace as shipped
    meter_readings(facility, period, seed=SEED) -> list[providers.green.Reading]
    certificate_lots(facility, period, seed=SEED) -> tuple[SampleCertificateLot, ...]
    rating_facility(facility) -> providers.green.Facility
    rating_claims(facility, period, seed=SEED) -> providers.green.Claims
    as_plain(record) -> dict                      JSON-ready, Decimals as text, times as RFC 3339
"""

from .evidence import (
    SampleCertificateLot,
    certificate_lots,
    meter_readings,
    rating_claims,
    rating_facility,
)
from .market import (
    SEED,
    SampleFacility,
    SampleMarket,
    SampleOffer,
    SamplePool,
    SampleProvider,
    build_market,
)
from .plain import as_plain
from .trace import TraceJob, load_jobs
from .workloads import SampleWorkload, sample_workloads

__all__ = [
    "SEED",
    "SampleCertificateLot",
    "SampleFacility",
    "SampleMarket",
    "SampleOffer",
    "SamplePool",
    "SampleProvider",
    "SampleWorkload",
    "TraceJob",
    "as_plain",
    "build_market",
    "certificate_lots",
    "load_jobs",
    "meter_readings",
    "rating_claims",
    "rating_facility",
    "sample_workloads",
]
