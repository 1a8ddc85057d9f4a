"""The nightly proof of the books: an event says how it went, and a violation is an alarm."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from audit.seal import seal_events
from marketplace.prove_books import prove_books, report_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BooksReport:
    """What was proved: `violations` in all; `sound` when there are none and all were checked."""

    proofs: int
    violations: int
    unchecked: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return self.violations == 0 and not self.unchecked


def verify_all_books(*, actor: Actor, at: datetime) -> BooksReport:
    """Run every proof and record the outcome. What was recorded before is sealed first."""
    seal_events()
    figures = report_of(prove_books())
    report = BooksReport(figures["proofs"], figures["violations"], tuple(figures["unchecked"]))
    with transaction.atomic():
        record(
            "books.verified" if report.sound else "books.violated",
            subject=("ledger.book", "all"),
            actor=actor,
            at=at,
            data=figures,
        )
    if not report.sound:
        log.error("books_violated", **figures)
    return report
