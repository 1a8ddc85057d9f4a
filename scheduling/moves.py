"""The drawn lines of the control room's state machines: (from, to)."""

WORKLOAD_MOVES = [
    ("submitted", "matched"),
    ("submitted", "unplaced"),
    ("submitted", "cancelled"),
    ("unplaced", "submitted"),
    ("unplaced", "cancelled"),
    ("matched", "submitted"),
    ("matched", "accepted"),
    ("matched", "cancelled"),
    ("accepted", "running"),
    ("accepted", "submitted"),
    ("accepted", "completed"),
    ("accepted", "failed"),
    ("accepted", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "submitted"),
    ("running", "cancelled"),
]

MATCH_RUN_MOVES = [("running", "done"), ("running", "parked"), ("running", "abandoned")]

PLACEMENT_MOVES = [
    ("proposed", "accepted"),
    ("proposed", "declined"),
    ("proposed", "expired"),
    ("accepted", "failed"),
]

RELOCATION_MOVES = [
    ("suggested", "accepted"),
    ("suggested", "declined"),
    ("suggested", "expired"),
]

ALLOCATION_MOVES = [("active", "released"), ("active", "completed")]

_ENDS = ["COMPLETE", "EXECUTOR_ERROR", "SYSTEM_ERROR", "PREEMPTED", "CANCELED"]
_STEPS = ["CREATED", "QUEUED", "INITIALIZING", "RUNNING"]
# A platform may skip steps (we hear of the next one only), never go back or leave an end.
JOB_MOVES = [
    (start, end) for rank, start in enumerate(_STEPS) for end in [*_STEPS[rank + 1 :], *_ENDS]
]
