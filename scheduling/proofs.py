"""What must be true of promised capacity and metered use, proved from the rows."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from audit.proofs import Proof, Violation, rows_that_violate
from scheduling.actions.allocate_capacity import hours_of
from scheduling.models import Allocation, Placement, PoolHour

OVERLAPPING = """
SELECT a.event_id, 'overlaps ' || b.event_id || ' on meter ' || a.meter
  FROM scheduling_usagerecord a
  JOIN scheduling_usagerecord b ON b.meter = a.meter AND b.id > a.id AND b.period && a.period
 WHERE a.state = 'accepted' AND b.state = 'accepted'
"""

BEYOND = """
SELECT 'job ' || j.id, 'metered ' || SUM(u.accelerator_hours) || ' hours, allocated '
       || (al.units * w.duration_hours)
  FROM scheduling_usagerecord u
  JOIN scheduling_job j ON j.id = u.job_id
  JOIN scheduling_allocation al ON al.id = j.allocation_id
  JOIN scheduling_placement p ON p.id = al.placement_id
  JOIN scheduling_workload w ON w.id = p.workload_id
 WHERE u.state = 'accepted'
 GROUP BY j.id, al.units, w.duration_hours
HAVING SUM(u.accelerator_hours) > al.units * w.duration_hours * 1.001
"""

UNDER_CONSTRUCTION = """
SELECT 'job ' || j.id, 'dispatched to ' || p.name || ', which is under construction'
  FROM scheduling_job j JOIN scheduling_platform p ON p.id = j.platform_id
 WHERE p.status = 'construction_started'
"""


def _capacity() -> Iterable[Violation]:
    """Every pool hour holds exactly what its standing allocations took and proposals keep."""
    taken: Counter[tuple[int, datetime]] = Counter()
    proposed: Counter[tuple[int, datetime]] = Counter()
    on_offer = Placement.objects.filter(state="proposed", holds_capacity=True)
    for placement in on_offer.select_related("workload").iterator(chunk_size=2000):
        for hour in hours_of(placement):
            proposed[placement.pool_id, hour] += placement.workload.units
    standing = Allocation.objects.exclude(state="released").select_related("placement")
    for allocation in standing.iterator(chunk_size=2000):
        for hour in hours_of(allocation.placement):
            taken[allocation.pool_id, hour] += allocation.units
    for row in PoolHour.objects.order_by("pk").iterator(chunk_size=5000):
        expected = taken.pop((row.pool_id, row.starts_at), 0)
        on_offer_now = proposed.pop((row.pool_id, row.starts_at), 0)
        if (
            row.taken != expected
            or row.proposed != on_offer_now
            or row.taken + row.proposed > row.units
        ):
            yield Violation(
                f"pool {row.pool_id} at {row.starts_at:%F %H:%M}",
                f"{row.taken} taken and {row.proposed} proposed of {row.units}, allocations say "
                f"{expected}, proposals {on_offer_now}",
            )
    for (pool_id, hour), units in taken.items():
        yield Violation(f"pool {pool_id} at {hour:%F %H:%M}", f"{units} allocated, none taken")
    for (pool_id, hour), units in proposed.items():
        yield Violation(f"pool {pool_id} at {hour:%F %H:%M}", f"{units} proposed, none kept")


PROOFS = [
    Proof(
        "capacity",
        "A pool hour holds what is allocated and on offer, never more.",
        _capacity,
    ),
    Proof(
        "I9",
        "Accepted intervals of a meter never overlap.",
        rows_that_violate(OVERLAPPING),
    ),
    Proof(
        "usage",
        "No job was metered beyond what was allocated to it.",
        rows_that_violate(BEYOND),
    ),
    Proof(
        "platforms",
        "Nothing was dispatched to a platform under construction.",
        rows_that_violate(UNDER_CONSTRUCTION),
    ),
]
