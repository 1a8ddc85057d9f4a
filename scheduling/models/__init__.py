"""What the control room keeps."""

from scheduling.models.capacity import Allocation, PoolHour
from scheduling.models.jobs import Job, PlatformCallback, UsageRecord
from scheduling.models.matching import MatchingLease, MatchRun, Placement
from scheduling.models.platforms import Listing, Platform
from scheduling.models.workloads import Workload

__all__ = [
    "Allocation",
    "Job",
    "Listing",
    "MatchRun",
    "MatchingLease",
    "Placement",
    "Platform",
    "PlatformCallback",
    "PoolHour",
    "UsageRecord",
    "Workload",
]
