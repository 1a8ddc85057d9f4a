"""Hours of energy and use from Prometheus' HTTP API, by the exporters' own metric names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .events import Interval

HOUR = timedelta(hours=1)
LEAST_COVERED = Decimal("0.95")

# name -> (metric, the hour's amount as PromQL, unit). @ stands for the selector in braces.
# DCGM exporter counts millijoules since boot, Kepler joules; `increase` bridges their resets.
# IPMI and Redfish exporters give watts; the mean of an hour in kW is the hour's kWh.
KNOWN = {
    "dcgm_energy": (
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "sum(increase(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@[1h])) / 3.6e9",
        "kWh",
    ),
    "dcgm_power": (
        "DCGM_FI_DEV_POWER_USAGE",
        "sum(avg_over_time(DCGM_FI_DEV_POWER_USAGE@[1h])) / 1000",
        "kWh",
    ),
    "kepler_node_cpu": (
        "kepler_node_cpu_joules_total",
        "sum(increase(kepler_node_cpu_joules_total@[1h])) / 3.6e6",
        "kWh",
    ),
    "ipmi_dcmi": (
        "ipmi_dcmi_power_consumption_watts",
        "sum(avg_over_time(ipmi_dcmi_power_consumption_watts@[1h])) / 1000",
        "kWh",
    ),
    "redfish_chassis": (
        "redfish_chassis_power_average_consumed_watts",
        "sum(avg_over_time(redfish_chassis_power_average_consumed_watts@[1h])) / 1000",
        "kWh",
    ),
    "dcgm_useful_hours": (
        "DCGM_FI_DEV_GPU_UTIL",
        "sum(avg_over_time((DCGM_FI_DEV_GPU_UTIL@ > bool 5)[1h:1m]))",
        "h",
    ),
}

Get = Callable[[str, Mapping[str, str]], Any]


class NotAnswered(Exception):
    """Prometheus answered with an error or something else than a number."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One meter: which series make it up.

    name             a key of KNOWN
    selector         PromQL label matchers, such as `job="ipmi",rack=~"A.*"`
    scrape_seconds   how often Prometheus asks the exporter; decides whether an hour is complete
    series           how many series there are when all hosts answer; fewer = the hour is left out
    """

    meter: str
    name: str
    selector: str = ""
    scrape_seconds: int = 60
    series: int = 1


def read_hour(watched: Watched, ends_at: datetime, get: Get) -> Interval | None:
    """The hour before `ends_at`, or None when it was not observed well enough: a host missing or
    samples lost, for then the sum is too low and nobody can say by how much.

    `get(path, parameters)` returns the decoded JSON of Prometheus' `/api/v1/query`. Raises
    NotAnswered.
    """
    metric, query, unit = KNOWN[watched.name]
    selector = "{" + watched.selector + "}"
    at = f"{ends_at.timestamp():.0f}"
    seen = f"count_over_time({metric}{selector}[1h])"
    least = _number(get("/api/v1/query", {"query": f"min({seen})", "time": at}))
    number = _number(get("/api/v1/query", {"query": f"count({seen})", "time": at}))
    if least is None or number is None or number < watched.series:
        return None
    if least < LEAST_COVERED * 3600 / watched.scrape_seconds:
        return None
    asked = query.replace("@", selector)
    amount = _number(get("/api/v1/query", {"query": asked, "time": at}))
    if amount is None:
        return None
    quantity = amount.quantize(Decimal("0.000001"))
    return Interval(watched.meter, ends_at - HOUR, ends_at, quantity, unit)


def _number(answer: Any) -> Decimal | None:
    """The one value of an instant vector; None when it is empty or not a number."""
    try:
        if answer["status"] != "success" or answer["data"]["resultType"] != "vector":
            raise NotAnswered(str(answer.get("error", "no instant vector")))
        rows = answer["data"]["result"]
        if not rows:
            return None
        value = Decimal(rows[0]["value"][1])
    except (KeyError, TypeError, IndexError, AttributeError, InvalidOperation) as error:
        raise NotAnswered("not an answer of Prometheus") from error
    return value if value.is_finite() else None
