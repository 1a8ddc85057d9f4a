"""What the control room keeps."""

from scheduling.models.capacity import Allocation, PoolHour
from scheduling.models.jobs import Job, PlatformCallback, UsageRecord
from scheduling.models.matching import MatchArchive, MatchingLease, MatchRun, Placement
from scheduling.models.platforms import Listing, Platform
from scheduling.models.relocations import Relocation
from scheduling.models.signals import CarbonSignal
from scheduling.models.workloads import Workload

__all__ = [
    "Allocation",
    "CarbonSignal",
    "Job",
    "Listing",
    "MatchArchive",
    "MatchRun",
    "MatchingLease",
    "Placement",
    "Platform",
    "PlatformCallback",
    "PoolHour",
    "Relocation",
    "UsageRecord",
    "Workload",
]
