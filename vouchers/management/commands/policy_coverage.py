"""manage.py policy_coverage [--json]: what is known, issuer by issuer; needs no database."""

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from vouchers.presets import coverage


class Command(BaseCommand):
    help = "Show every issuer and rule: what is known, by which evidence, and that it runs."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON array instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the table, or JSON. `runs` is the decision on sample facts, not a real case."""
        rows = coverage(timezone.now())
        if options["json"]:
            found = [row.as_dict() for row in rows]
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
            return
        for row in rows:
            what = f"known: {', '.join(row.known) or '-'}"
            if row.missing:
                what += f"; missing: {', '.join(row.missing)}"
            opens = "opens" if row.openable else row.state
            self.stdout.write(
                f"{row.adcode}  {row.preset:<30} {row.kind:<27} {opens:<11} "
                f"{row.evidence:<10} runs: {row.runs:<11} {row.region_zh}  {what}"
            )
        states = Counter("opens" if row.openable else row.state for row in rows)
        named = {row.adcode for row in rows if row.seed_named}
        kinds = sorted({mechanic for row in rows for mechanic in row.mechanics})
        self.stdout.write(
            f"{len(rows)} presets of {len({row.adcode for row in rows})} regions: "
            + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            + f"; {len(named)} issuers named in the report; mechanics: {', '.join(kinds)}"
        )
        self.stdout.write("runs: the decision on sample facts made up to touch every clause.")
