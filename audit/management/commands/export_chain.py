"""Write the audit chain as JSON lines, for somebody who does not trust us.

Verify it elsewhere with `docs/verify_chain.py`, against a head that was published earlier.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.chain import export_chain


class Command(BaseCommand):
    help = "Export the audit chain, byte for byte the same on every run; prints the head."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="the file to write, or - for standard output")
        parser.add_argument("--after", type=int, default=0, help="begin after this sequence")
        parser.add_argument("--upto", type=int, help="end with this sequence")

    def handle(self, *args: Any, **options: Any) -> None:
        bounds = {"after": options["after"], "upto": options["upto"]}
        if bounds["after"] < 0 or (bounds["upto"] or 1) < 1:
            raise CommandError("sequences begin at 1")
        with transaction.atomic():
            if options["path"] == "-":
                report = export_chain(sys.stdout, **bounds)
            else:
                with Path(options["path"]).open("w", encoding="utf-8", newline="\n") as out:
                    report = export_chain(out, **bounds)
        self.stderr.write(
            f"{report.events} events, sequence {report.head_sequence}, head {report.head_hash}"
        )
