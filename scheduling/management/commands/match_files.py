"""manage.py match_files: plan a market given as CSV files. Needs no database."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scheduling.matching.errors import MarketError
from scheduling.matching.match_files import add_arguments, one_line, refusal_text, run


class Command(BaseCommand):
    help = "Match jobs to pools from CSV files; writes placements, certificate and report."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            summary = run(argparse.Namespace(**options))
        except MarketError as error:
            raise CommandError(refusal_text(error), returncode=2) from error
        self.stdout.write(one_line(summary))
