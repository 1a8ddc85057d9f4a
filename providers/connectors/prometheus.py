"""Hours of energy and use from Prometheus' HTTP API, by the exporters' own metric names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .events import Interval

HOUR = timedelta(hours=1)
LEAST_COVERED = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Known:
    """A metric of an exporter and how an hour of it becomes a quantity.

    device   labels that name one device. An exporter in Kubernetes gives a card a new series with
             every pod, and a partitioned card one series for each part: both are one device here
    amount   PromQL of one device's hour; @ stands for its steps
    above    steps count as 1 when the value is above it, else 0; None = the value itself counts
    where    matchers that always hold
    silent   a value the exporter gives when it knows nothing; an hour with one of them is left out
    """

    metric: str
    device: tuple[str, ...]
    amount: str
    unit: str
    above: int | None = None
    where: str = ""
    silent: str | None = None


# DCGM counts millijoules since boot, Kepler joules; `increase` bridges their resets. IPMI and
# Redfish give watts; the mean of an hour in kW is the hour's kWh. Kepler's zones overlap: `package`
# holds `core` and `uncore`, `psys` holds all, so only package and memory are added.
KNOWN = {
    "dcgm_energy": Known(
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", ("UUID",), "increase(@) / 3.6e9", "kWh"
    ),
    "dcgm_power": Known("DCGM_FI_DEV_POWER_USAGE", ("UUID",), "avg_over_time(@) / 1000", "kWh"),
    "dcgm_useful_hours": Known("DCGM_FI_DEV_GPU_UTIL", ("UUID",), "avg_over_time(@)", "h", above=5),
    "kepler_node_cpu": Known(
        "kepler_node_cpu_joules_total",
        ("instance", "node_name", "zone", "path"),
        "increase(@) / 3.6e6",
        "kWh",
        where='zone=~"package.*|dram.*"',
    ),
    "ipmi_dcmi": Known(
        "ipmi_dcmi_power_consumption_watts",
        ("instance",),
        "avg_over_time(@) / 1000",
        "kWh",
        silent="0",  # before version 1.7 the exporter says 0 when the board cannot measure
    ),
    "redfish_chassis": Known(
        "redfish_chassis_power_average_consumed_watts",
        ("instance", "chassis_id", "power_wattage_id"),
        "avg_over_time(@) / 1000",
        "kWh",
        silent="0",
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
    series           how many devices there are when all hosts answer; fewer = the hour is left out
    """

    meter: str
    name: str
    selector: str = ""
    scrape_seconds: int = 60
    series: int = 1


def read_hour(watched: Watched, ends_at: datetime, get: Get) -> Interval | None:
    """The hour before `ends_at`, or None when it was not observed well enough: a host missing,
    samples lost or an exporter that knew nothing, for then the sum is too low and nobody can say by
    how much.

    `get(path, parameters)` returns the decoded JSON of Prometheus' `/api/v1/query`. Raises
    NotAnswered.
    """
    at = f"{ends_at.timestamp():.0f}"

    def ask(query: str) -> Decimal | None:
        return _number(get("/api/v1/query", {"query": query, "time": at}))

    seen = seen_steps(watched)
    least, number = ask(f"min({seen})"), ask(f"count({seen})")
    if least is None or number is None or number < watched.series:
        return None
    if least < LEAST_COVERED * 3600 / watched.scrape_seconds:
        return None
    amount = ask(hour_of(watched))
    if amount is None:
        return None
    quantity = amount.quantize(Decimal("0.000001"))
    return Interval(watched.meter, ends_at - HOUR, ends_at, quantity, KNOWN[watched.name].unit)


def seen_steps(watched: Watched) -> str:
    """PromQL: for each device, in how many of the hour's scrapes it said something."""
    known = KNOWN[watched.name]
    step, devices = f"{watched.scrape_seconds}s", ", ".join(known.device)
    said = f"count_over_time({_selected(watched)}[{step}])"
    if known.silent is not None:
        said = f"(min_over_time({_selected(watched)}[{step}]) > {known.silent})"
    return f"count_over_time((count by ({devices}) ({said}))[1h:{step}])"


def hour_of(watched: Watched) -> str:
    """PromQL: what all devices counted in the hour, in the unit of the metric's entry."""
    known = KNOWN[watched.name]
    # Not the bare selector: Prometheus would fill up to five minutes with the last value it had.
    said = f"last_over_time({_selected(watched)}[{watched.scrape_seconds}s])"
    value = f"max by ({', '.join(known.device)}) ({said})"
    if known.above is not None:
        value = f"{value} > bool {known.above}"
    steps = f"({value})[1h:{watched.scrape_seconds}s]"
    return f"sum({known.amount.replace('@', steps)})"


def _selected(watched: Watched) -> str:
    known = KNOWN[watched.name]
    return f"{known.metric}{{{','.join(filter(None, (watched.selector, known.where)))}}}"


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
