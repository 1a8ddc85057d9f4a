"""Prove every invariant of every room from scratch, in one snapshot of the database.

Proofs are questions over whole tables. Two are asked at a time, each on a connection of its own
that sees the same snapshot, and the server answers each with parallel scans and hash joins.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.db import connection, transaction

from audit.proofs import Proof, Proven, prove_one

ROOMS = (
    "audit",
    "ledger",
    "identity",
    "treasury",
    "providers",
    "vouchers",
    "scheduling",
    "marketplace",
)
INVARIANTS = tuple(f"I{number}" for number in range(1, 13))
TELL_AFTER_SECONDS = 2.0
# Each hash of a million rows in memory; short plans, because a question is asked once.
SETTINGS = (
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
    "SET LOCAL max_parallel_workers_per_gather = 2",
)

Named = tuple[str, Proof]


def proofs_of(room: str) -> Sequence[Proof]:
    """The proofs a room registers in its `proofs.py`; none when it has no such file."""
    if find_spec(f"{room}.proofs") is None:
        return ()
    return list(import_module(f"{room}.proofs").PROOFS)


def prove_books(
    rooms: Sequence[str] = ROOMS,
    *,
    at_once: int = 2,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Proven]:
    """Run every proof in one snapshot of the database, so that work meanwhile disturbs none.

    `at_once` proofs run at a time. `tell` hears what is running whenever nothing was heard for two
    seconds. Inside a transaction that has already begun (a test), the proofs run in that one, one
    by one.
    """
    named = [(room, proof) for room in rooms for proof in proofs_of(room)]
    with transaction.atomic():
        if connection.savepoint_ids:
            return [prove_one(*each) for each in named]
        _read_one_snapshot(None)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
        return _prove_at_once(named, snapshot, at_once, tell)


def _prove_at_once(
    named: Sequence[Named], snapshot: str, at_once: int, tell: Callable[[str], None]
) -> list[Proven]:
    running: dict[Future[Proven], tuple[Named, float]] = {}
    proven: dict[int, Proven] = {}
    order = {id(proof): place for place, (_room, proof) in enumerate(named)}
    with ThreadPoolExecutor(at_once) as pool:
        waiting = iter(named)
        while True:
            while len(running) < at_once and (following := next(waiting, None)) is not None:
                begun = pool.submit(_in_snapshot, following, snapshot)
                running[begun] = (following, time.monotonic())
            if not running:
                return [proven[place] for place in sorted(proven)]
            done, _ = wait(running, TELL_AFTER_SECONDS, FIRST_COMPLETED)
            for each in done:
                (_room, proof), _since = running.pop(each)
                proven[order[id(proof)]] = each.result()
            if not done:
                tell(_progress(len(proven), len(named), running.values()))


def _progress(done: int, of: int, running: Iterable[tuple[Named, float]]) -> str:
    now = time.monotonic()
    at_work = ", ".join(
        f"{room} {proof.name} ({now - since:.0f} s)" for (room, proof), since in running
    )
    return f"{done} of {of} proofs done; at work: {at_work}"


def _in_snapshot(named: Named, snapshot: str) -> Proven:
    try:
        with transaction.atomic():
            _read_one_snapshot(snapshot)
            return prove_one(*named)
    finally:
        connection.close()  # of this thread


def _read_one_snapshot(snapshot: str | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if snapshot is not None:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
        for setting in SETTINGS:
            cursor.execute(setting)


def report_of(proven: Sequence[Proven]) -> dict[str, Any]:
    """What was proved, in figures: violations in all, invariants proved, and what was not.

    `unchecked` are proofs that broke down: books with one are not proved.
    """
    names = {each.name for each in proven if each.error is None}
    return {
        "violations": sum(each.violations for each in proven),
        "proofs": len(proven),
        "proved": [name for name in INVARIANTS if name in names],
        "unchecked": [f"{each.room} {each.name}" for each in proven if each.error is not None],
        "not_yet_provable": [name for name in INVARIANTS if name not in names],
    }
