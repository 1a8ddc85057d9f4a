"""Load every fact file; idempotent, and a wrong file is refused whole with file, record, field."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from audit.decisions import SYSTEM
from providers.actions.load_supply_facts import load_supply_facts
from providers.facts import FactsFileError
from scheduling.actions.load_platforms import load_platforms
from vouchers.actions.load_presets import load_presets
from vouchers.presets.load import PresetError


class Command(BaseCommand):
    help = "Load hub areas, grid factors, accelerators, platforms and presets."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            with transaction.atomic():
                supply = load_supply_facts(actor=SYSTEM, at=now)
                platforms = load_platforms(actor=SYSTEM, at=now)
                presets = load_presets(actor=SYSTEM, at=now)
        except (FactsFileError, PresetError) as error:
            raise CommandError(f"{error}\n{error.text_zh}") from error
        self.stdout.write(f"supply facts: {supply}")
        self.stdout.write(f"platforms: {platforms}")
        self.stdout.write(f"presets: {presets}")
