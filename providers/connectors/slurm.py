"""Accelerator-hours by clock hour from Slurm's accounting (`sacct --json`)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from .events import Interval

HOUR = timedelta(hours=1)
# -X leaves out steps, which would count a job's cards again; -D shows every run of a job that was
# put back into the queue, not only its last.
COMMAND = (
    "sacct",
    "--json",
    "--allusers",
    "-X",
    "-D",
    "--starttime",
    "{from}",
    "--endtime",
    "{to}",
)


class NotSacct(ValueError):
    """The text is not what `sacct --json` prints."""


def read_sacct(
    printed: Any,
    *,
    meter: str,
    starts_at: datetime,
    ends_at: datetime,
    partition: str | None = None,
) -> list[Interval]:
    """Card-hours of each whole hour in [starts_at, ends_at): jobs' allocated GPUs x their time.

    `printed` is the decoded JSON. Counted are `gres/gpu` of `tres.allocated`, of `partition` when
    one is named, from start to end (running jobs: to `ends_at`). Hours without a job are 0, which
    is known, not a gap. Raises NotSacct.
    """
    hours: dict[datetime, Decimal] = {}
    moment = starts_at
    while moment < ends_at:
        hours[moment] = Decimal(0)
        moment += HOUR
    for begins, ends, cards in _runs(printed, partition):
        begins, ends = max(begins, starts_at), min(ends or ends_at, ends_at)
        for hour in hours:
            spent = (min(ends, hour + HOUR) - max(begins, hour)).total_seconds()
            if spent > 0:
                hours[hour] += cards * Decimal(int(spent)) / 3600
    return [
        Interval(meter, hour, hour + HOUR, used.quantize(Decimal("0.000001")), "h")
        for hour, used in sorted(hours.items())
    ]


def _runs(printed: Any, partition: str | None) -> Iterator[tuple[datetime, datetime | None, int]]:
    try:
        for job in printed["jobs"]:
            if partition is not None and partition not in str(job["partition"]).split(","):
                continue
            cards = _cards(job["tres"]["allocated"])
            begins, ends = _moment(job["time"]["start"]), _moment(job["time"]["end"])
            if cards and begins is not None:
                yield begins, ends, cards
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotSacct(f"not the output of sacct --json: {error!r}") from error


def _cards(allocated: list[Mapping[str, Any]]) -> int:
    """`gres/gpu` is the sum of `gres/gpu:<model>`; where Slurm gives only models they are added."""
    found = {each["name"]: _count(each["count"]) for each in allocated if each["type"] == "gres"}
    if "gpu" in found:
        return found["gpu"]
    return sum(count for name, count in found.items() if str(name).startswith("gpu:"))


def _moment(value: Any) -> datetime | None:
    """Slurm prints seconds since 1970, in newer versions inside {"set", "number"}; 0 = not yet, and
    null = never: the job was cancelled while it waited."""
    seconds = _count(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _count(value: Any) -> int:
    if isinstance(value, Mapping):
        return int(value["number"]) if value.get("set") else 0
    return 0 if value is None else int(value)
