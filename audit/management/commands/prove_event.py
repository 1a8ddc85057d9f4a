"""Prove to an outsider that one event is in a signed checkpoint, or that one extends another."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.canonical import canonical_json
from audit.checkpoints import consistency_proof, inclusion_proof
from audit.decisions import Refusal
from audit.models import AuditEvent


class Command(BaseCommand):
    help = "Write a proof as JSON, for docs/verify_chain.py --proof."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("event", nargs="?", type=int, help="id of the event")
        what.add_argument("--sequence", type=int, help="its place in the chain instead")
        what.add_argument(
            "--since", type=int, metavar="SIZE", help="instead: that nothing before SIZE changed"
        )
        parser.add_argument("--size", type=int, help="the checkpoint over SIZE links, not the last")
        parser.add_argument("--out", type=Path, help="a file instead of standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            proof = self._proof(options)
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        text = canonical_json(proof)
        if options["out"]:
            options["out"].write_text(text + "\n", encoding="utf-8")
        else:
            self.stdout.write(text)

    def _proof(self, options: Any) -> dict[str, Any]:
        if options["since"] is not None:
            return consistency_proof(options["since"], options["size"])
        wanted = (
            {"pk": options["event"]}
            if options["event"] is not None
            else {"link__sequence": options["sequence"]}
        )
        event = AuditEvent.objects.filter(**wanted).first()
        if event is None:
            raise CommandError("there is no such event")
        return inclusion_proof(event, size=options["size"])
