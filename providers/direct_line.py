"""绿电直连 from the meters: a civil year of a facility against the shares that must be kept."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from audit.decisions import Decision
from providers.facts import load_green_method
from providers.green import direct_connection
from providers.green.exact import start_of_day
from providers.models import Facility
from providers.queries import metered_months

NEEDED = ("facility_total_kwh", "direct_line_kwh", "export_kwh", "curtailed_kwh")


@dataclass(frozen=True, slots=True)
class DirectYear:
    """The kWh of the year by meter kind, and the decision; None when `missing` names a reason.

    missing   meter kinds with hours of the year that no accepted reading covers
    """

    year: int
    kwh: dict[str, Decimal]
    missing: tuple[str, ...]
    decision: Decision | None


def direct_connection_year(facility: Facility, *, year: int) -> DirectYear:
    """Available generation = direct line + export + curtailment, all as metered; own use is what
    came over the line. A year that is not wholly metered is not judged: unknown is not kept.

    Raises GreenInputError when nothing was generated or used.
    """
    starts_at, ends_at = start_of_day(date(year, 1, 1)), start_of_day(date(year + 1, 1, 1))
    hours = Decimal(int((ends_at - starts_at).total_seconds())) / 3600
    kwh, covered = dict.fromkeys(NEEDED, Decimal(0)), dict.fromkeys(NEEDED, Decimal(0))
    for month in metered_months(facility, starts_at=starts_at, ends_at=ends_at):
        if month.kind in kwh and month.pool_id is None:
            kwh[month.kind] += month.quantity
            covered[month.kind] += month.hours
    missing = tuple(kind for kind in NEEDED if covered[kind] < hours)
    if missing:
        return DirectYear(year, kwh, missing, None)
    method = load_green_method()
    return DirectYear(
        year,
        kwh,
        (),
        direct_connection(
            method.direct_connection,
            terms_version=method.version,
            available_generation_kwh=(
                kwh["direct_line_kwh"] + kwh["export_kwh"] + kwh["curtailed_kwh"]
            ),
            export_kwh=kwh["export_kwh"],
            curtailed_kwh=kwh["curtailed_kwh"],
            consumption_kwh=kwh["facility_total_kwh"],
            year=year,
        ),
    )
