"""Prove every invariant from scratch: one JSON line each, exit code 1 on any violation."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.prove_books import ROOMS, prove_books, report_of


class Command(BaseCommand):
    help = "Prove the invariants of the books; JSON lines, exit code 1 on any violation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--room", action="append", choices=ROOMS, help="only these rooms")

    def handle(self, *args: Any, **options: Any) -> None:
        proven = prove_books(options["room"] or ROOMS)
        for each in proven:
            self._line(
                {
                    "invariant": each.name,
                    "room": each.room,
                    "text": each.text,
                    "checked": True,
                    "violations": each.violations,
                    "examples": [asdict(example) for example in each.examples],
                    "elapsed_seconds": each.elapsed_seconds,
                }
            )
        report = report_of(proven)
        for name in report["not_yet_provable"]:
            self._line({"invariant": name, "checked": False, "violations": None})
        self._line(report)
        if report["violations"]:
            raise CommandError(f"{report['violations']} violations", returncode=1)

    def _line(self, body: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(body, ensure_ascii=False))
