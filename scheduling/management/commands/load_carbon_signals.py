"""manage.py load_carbon_signals FILE --starts INSTANT --quality QUALITY --source TEXT"""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.decisions import SYSTEM, Refusal
from scheduling.actions.load_carbon_signals import load_carbon_signals


class Command(BaseCommand):
    """Load hourly grid carbon from a file of region,hour,kg_per_kwh."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--starts", required=True, help="the instant of hour 0, with its zone")
        parser.add_argument("--quality", required=True, choices=["measured", "calibrated"])
        parser.add_argument("--source", required=True, help="where the figures are from")

    def handle(self, *args: Any, **options: Any) -> None:
        with options["file"].open(newline="") as stream:
            table = csv.DictReader(stream)
            missing = {"region", "hour", "kg_per_kwh"} - set(table.fieldnames or ())
            if missing:
                raise CommandError(f"columns missing: {', '.join(sorted(missing))}")
            try:
                rows = [(row["region"], int(row["hour"]), row["kg_per_kwh"]) for row in table]
                count = load_carbon_signals(
                    rows=rows,
                    starts_at=datetime.fromisoformat(options["starts"]),
                    quality=options["quality"],
                    source=options["source"],
                    actor=SYSTEM,
                    at=timezone.now(),
                )
            except (Refusal, ValueError) as refusal:
                raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{count} signals")
