"""Prove every invariant from scratch: one JSON line each, exit code 1 unless all of them hold."""

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.proofs import Proven
from marketplace.prove_books import ROOMS, prove_books, report_of


class Command(BaseCommand):
    help = (
        "Prove the invariants of the books; JSON lines on stdout, progress on stderr. Exit code 1 "
        "on any violation and on any invariant that could not be checked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--room", action="append", choices=ROOMS, help="only these rooms")
        parser.add_argument("--at-once", type=int, default=2, help="proofs at a time (2)")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.perf_counter()
        rooms = options["room"] or ROOMS
        proven = prove_books(rooms, at_once=max(options["at_once"], 1), tell=self.stderr.write)
        for each in proven:
            self._line(_told(each))
        report = report_of(proven)
        for name in report["not_yet_provable"]:
            self._line({"invariant": name, "checked": False, "violations": None})
        seconds = time.perf_counter() - began
        self._line({**report, "elapsed_seconds": round(seconds, 3)})
        unchecked = [*report["unchecked"], *(() if options["room"] else report["not_yet_provable"])]
        if report["violations"] or unchecked:
            said = [f"{report['violations']} violations"] if report["violations"] else []
            said += [f"not checked: {', '.join(unchecked)}"] if unchecked else []
            raise CommandError("; ".join(said), returncode=1)

    def _line(self, body: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(body, ensure_ascii=False))


def _told(each: Proven) -> dict[str, Any]:
    return {
        "invariant": each.name,
        "room": each.room,
        "text": each.text,
        "checked": each.error is None,
        "rows": each.rows,
        "violations": each.violations if each.error is None else None,
        "examples": [asdict(example) for example in each.examples],
        "elapsed_seconds": each.elapsed_seconds,
        **({"error": each.error} if each.error else {}),
    }
