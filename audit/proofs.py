"""Prove from scratch that what must be true is true.

Each room lists its proofs as `PROOFS` in `<room>/proofs.py`; `manage.py verify_books` runs them all
in one snapshot. A proof looks at the rows themselves and trusts no constraint, trigger or balance.
It is one question to the database wherever it can be: sums over whole tables, answered by parallel
scans and hash joins, never a question for each row.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import pgtrigger
from django.apps import apps
from django.db import connection, transaction

from audit.chain import verify_chain
from audit.checkpoints import checkpoint_faults
from audit.guards import OTHERS

EXAMPLES = 20


@dataclass(frozen=True)
class Violation:
    """One thing that is not as it must be: which, and what is wrong with it."""

    subject: str
    what: str


@dataclass(frozen=True)
class Proof:
    """`name` is the invariant ("I2"), `text` the sentence that must hold.

    `reads` are the tables whose every row it looks at: what `Proven.rows` counts.
    """

    name: str
    text: str
    check: Callable[[], Iterable[Violation]]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proven:
    """The outcome of one proof: how many violations, and the first of them.

    `error` says why it could not be checked at all; it then does not hold.
    """

    room: str
    name: str
    text: str
    violations: int
    examples: tuple[Violation, ...]
    elapsed_seconds: float
    rows: int = 0
    error: str | None = None

    @property
    def holds(self) -> bool:
        return self.violations == 0 and self.error is None


def prove(room: str, proofs: Sequence[Proof]) -> list[Proven]:
    """Run `proofs` one after the other."""
    return [prove_one(room, proof) for proof in proofs]


def prove_one(room: str, proof: Proof) -> Proven:
    """Run one proof. One that breaks down is told as such and disturbs no other."""
    started = time.perf_counter()
    examples: tuple[Violation, ...] = ()
    count, rows, error = 0, 0, None
    try:
        with transaction.atomic():
            found = iter(proof.check())
            examples = tuple(islice(found, EXAMPLES))
            count = len(examples) + sum(1 for _ in found)
            rows = sum(map(_rows_in, proof.reads))
    except Exception as failure:  # whatever it is: the books are then not proved
        error = f"{type(failure).__name__}: {failure}"
    elapsed = round(time.perf_counter() - started, 3)
    return Proven(room, proof.name, proof.text, count, examples, elapsed, rows, error)


def _rows_in(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608
        return int(cursor.fetchone()[0])


def rows_that_violate(sql: str) -> Callable[[], Iterable[Violation]]:
    """A check from a query whose rows are (subject, what); no rows, no violations."""

    def check() -> Iterable[Violation]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            for subject, what in cursor:
                yield Violation(str(subject), str(what))

    return check


def _chain() -> Iterable[Violation]:
    for fault in verify_chain().faults:
        yield Violation(f"audit link {fault.sequence}", fault.what)


def _checkpoints() -> Iterable[Violation]:
    for tree_size, what in checkpoint_faults():
        yield Violation(f"checkpoint {tree_size}", what)


def _guards() -> Iterable[Violation]:
    for model, trigger in pgtrigger.registered():
        status, enabled = trigger.get_installation_status(model)
        if status != "INSTALLED" or not enabled:
            shown = status if enabled is not False else "disabled"
            yield Violation(f"{model._meta.label_lower}:{trigger.name}", f"trigger {shown}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE convalidated"
            " UNION SELECT indexname FROM pg_indexes"
        )
        present = {name for (name,) in cursor.fetchall()} | _kept_by_every_part()
        cursor.execute(OTHERS)
        for (function,) in cursor.fetchall():
            yield Violation(function, "a session may put triggers to sleep")
    for table in apps.get_models():
        for constraint in table._meta.constraints:
            if constraint.name not in present:
                yield Violation(f"{table._meta.label_lower}:{constraint.name}", "missing")


def _kept_by_every_part() -> set[str]:
    """Constraints of partitioned tables that cannot stand on the whole: each part has its own,
    named like it with the part's suffix (before PostgreSQL 17 an exclusion cannot span parts)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH parts AS (
                SELECT i.inhparent, i.inhrelid, right(c.relname, -length(w.relname)) AS suffix
                  FROM pg_inherits i
                  JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r'
                  JOIN pg_class w ON w.oid = i.inhparent
            ), kept AS (
                SELECT p.inhparent, left(k.conname, -length(p.suffix)) AS name, count(*) AS parts
                  FROM parts p JOIN pg_constraint k
                    ON k.conrelid = p.inhrelid AND k.convalidated
                   AND right(k.conname, length(p.suffix)) = p.suffix
                 GROUP BY 1, 2
            )
            SELECT name FROM kept
             WHERE parts = (SELECT count(*) FROM parts p WHERE p.inhparent = kept.inhparent)
            """
        )
        return {name for (name,) in cursor.fetchall()}


PROOFS = [
    Proof("I12", "The audit chain verifies from genesis and holds every event.", _chain),
    Proof("I12", "Every signed checkpoint fits the chain it was made over.", _checkpoints),
    Proof(
        "I3",
        "Every trigger and constraint that keeps history and floors is installed and enabled.",
        _guards,
    ),
]
