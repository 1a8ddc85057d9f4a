"""Prove every invariant of every room from scratch, in one snapshot of the database."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.db import connection, transaction

from audit.proofs import Proof, Proven, prove

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


def proofs_of(room: str) -> Sequence[Proof]:
    """The proofs a room registers in its `proofs.py`; none when it has no such file."""
    if find_spec(f"{room}.proofs") is None:
        return ()
    return list(import_module(f"{room}.proofs").PROOFS)


def prove_books(rooms: Sequence[str] = ROOMS) -> list[Proven]:
    """Run every proof in one snapshot of the database, so that work meanwhile disturbs none.

    Inside a transaction that has already begun (a test), the proofs run in that one.
    """
    with transaction.atomic():
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return [proven for room in rooms for proven in prove(room, proofs_of(room))]


def report_of(proven: Sequence[Proven]) -> dict[str, Any]:
    """What was proved, in figures: violations in all, invariants proved and not yet provable."""
    names = {each.name for each in proven}
    return {
        "violations": sum(each.violations for each in proven),
        "proofs": len(proven),
        "proved": [name for name in INVARIANTS if name in names],
        "not_yet_provable": [name for name in INVARIANTS if name not in names],
    }
