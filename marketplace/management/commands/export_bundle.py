"""Write an export bundle for an auditor: CSV and Parquet, the chain, a manifest with hashes."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.seal import seal_events
from marketplace.export_bundle import export_bundle


def civil_day(text: str) -> datetime:
    """The beginning of a day in Shanghai."""
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(text), time.min))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day like 2026-03-02") from error


class Command(BaseCommand):
    help = "Export the chain and the books as CSV and Parquet, byte for byte the same each time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
        parser.add_argument("--from", dest="since", type=civil_day, help="first day")
        parser.add_argument("--to", dest="until", type=civil_day, help="the day after the last")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = options["since"], options["until"]
        if since and until and since >= until:
            raise CommandError("--from is before --to")
        seal_events()
        try:
            manifest = export_bundle(options["out"], since=since, until=until, tell=self._tell)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{len(manifest['files'])} files, {manifest['chain']['events']} events, "
            f"head {manifest['chain']['head_hash']}"
        )

    def _tell(self, name: str, rows: int) -> None:
        self.stderr.write(f"{name}: {rows} rows")
