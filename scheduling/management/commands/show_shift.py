"""manage.py show_shift: the Nantong to Zhangbei shift as a labelled scenario. Needs no database."""

from typing import Any

from django.core.management.base import BaseCommand

from scheduling.matching.show_shift import tell


class Command(BaseCommand):
    help = "Plan 150 kWh from Nantong to Zhangbei under four ways of counting carbon (a scenario)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(tell())
