"""Sign the state of the audit chain now, or show what was signed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.actions.make_checkpoint import make_checkpoint
from audit.checkpoints import checkpoint_of, signer
from audit.decisions import Refusal


class Command(BaseCommand):
    help = "Make a signed checkpoint of the audit chain and print it; or print the last one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--latest", action="store_true", help="print the last one, make none")
        what.add_argument("--key", action="store_true", help="print the verifier key to publish")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["key"]:
                self.stdout.write(signer().verifier_key)
            elif options["latest"]:
                self.stdout.write(checkpoint_of().note, ending="")
            else:
                self.stdout.write(make_checkpoint(at=timezone.now()).note, ending="")
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
