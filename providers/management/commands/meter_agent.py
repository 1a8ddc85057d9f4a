"""`manage.py meter_agent CONFIG [--once]`: the same agent as `python -m providers.connectors`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from providers.connectors.__main__ import main


class Command(BaseCommand):
    help = "Read meters' sources, sign and send their hours; spool while offline, resume."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("config")
        parser.add_argument("--once", action="store_true")
        parser.add_argument("--every", type=int, default=300)

    def handle(self, *args: Any, **options: Any) -> None:
        words = [options["config"], "--every", str(options["every"])]
        raise SystemExit(main([*words, "--once"] if options["once"] else words))
