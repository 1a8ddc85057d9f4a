"""manage.py evaluate_rule PRESET --facts FACTS.json [--at INSTANT], or --schema; no database."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vouchers.presets import evaluate_rule, schema_of
from vouchers.rules import RuleError, Usage


def _read_json(source: str) -> Any:
    """What is in a JSON file, or on standard input for "-"."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CommandError(f"{source}: {error}") from None
    return found


def _instant(text: str | None) -> datetime:
    if text is None:
        return timezone.now()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at {text}: not an RFC 3339 instant") from None
    if at.tzinfo is None:
        raise CommandError(f"--at {text}: give the offset, for example +08:00")
    return at


class Command(BaseCommand):
    help = "Evaluate one preset on a file of facts and print one JSON object."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("preset", help="identifier, as in `manage.py policy_coverage`")
        parser.add_argument(
            "--facts", metavar="FACTS.json", help="JSON object of facts; - for stdin"
        )
        parser.add_argument("--at", metavar="INSTANT", help="RFC 3339 with offset; now when absent")
        parser.add_argument("--used", metavar="USED.json", help="JSON list of what was used before")
        parser.add_argument("--schema", action="store_true", help="print what the preset needs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the evaluation or the schema; exit 1 with a JSON problem on standard error."""
        try:
            self.stdout.write(self._answer(options))
        except RuleError as error:
            self.stderr.write(json.dumps(error.as_dict(), ensure_ascii=False, indent=2))
            raise SystemExit(1) from None

    def _answer(self, options: dict[str, Any]) -> str:
        if options["schema"]:
            found = schema_of(options["preset"])
        else:
            if options["facts"] is None:
                raise CommandError("give --facts FACTS.json, or --schema to see what is needed")
            facts = _read_json(options["facts"])
            if not isinstance(facts, dict):
                raise CommandError(f"{options['facts']}: expected one JSON object")
            used = None
            if options["used"]:
                try:
                    used = Usage.from_dicts(_read_json(options["used"]))
                except (TypeError, KeyError, ValueError) as error:
                    raise CommandError(f"{options['used']}: {error}") from None
            found = evaluate_rule(options["preset"], facts, _instant(options["at"]), used)
        return json.dumps(found, ensure_ascii=False, indent=2)
