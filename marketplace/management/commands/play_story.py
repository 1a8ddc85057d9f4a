"""Play the main job from end to end through the public API, check it, and write a report."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketplace.story import bring_supply, open_programmes, prove, settle, trade
from marketplace.story.cast import PARTS, gather_cast
from marketplace.story.client import StoryFailed
from marketplace.story.stage import Stage

STEPS = (
    ("a programme is opened and funded under four eyes", open_programmes.open_programmes),
    ("an enterprise asks, applies and receives a voucher", open_programmes.get_a_voucher),
    ("providers list pools; meters and certificates give ratings", bring_supply.bring_supply),
    ("workloads of a real trace are matched", trade.match_workloads),
    ("placements are accepted: hold and capacity together", trade.accept_placements),
    ("jobs run on the platform and are charged", trade.run_jobs),
    ("the enterprise pays its own part", trade.pay_own_part),
    ("providers are cleared and paid", settle.clear_and_pay),
    ("a platform's year of trade earns Zhongwei's reward", settle.reward_platforms),
    ("an auditor proves it", prove.prove),
)
# Of the report; everything else in it is a figure.
OWN_KEYS = frozenset({"story", "violations", "problem", "seconds", "checks", "made"})
PASSWORD = "suanquan-demo"  # noqa: S105 - of sample people in a demo that must not face the world


class Command(BaseCommand):
    help = "Play the demo's story (DEMO=1 only)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", required=True)
        parser.add_argument("--report", default="var/demo-report.json")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The story makes sample people with a known password: DEMO=1 only.")
        started, report = time.monotonic(), Path(options["report"])
        cast = gather_cast(
            password=PASSWORD,
            keys_file=report.parent / "demo" / "keys.json",
            at=timezone.now(),
        )
        stage = Stage(options["base_url"].rstrip("/"), cast, self.say)
        problem, steps = "", list(enumerate(STEPS, start=1))
        if told := self._told(report, stage):
            self.say("the story was played to its end before; its last step proves it again")
            stage.made, stage.figures = told["made"], told["figures"]
            steps = steps[-1:]
        for number, (title, step) in steps:
            self.say(f"{number:>2}/{len(STEPS)} {title}")
            try:
                step(stage)
            except StoryFailed as failure:
                problem = f"step {number} ({title}): {failure}"
                break
        self._write(report, stage, problem, time.monotonic() - started)
        self._summary(stage)
        if problem or stage.violations:
            raise CommandError(problem or f"{stage.violations} checks failed")

    def _told(self, report: Path, stage: Stage) -> dict[str, Any] | None:
        """What an earlier play of this very story left, if it reached its end unharmed."""
        try:
            last = json.loads(report.read_text())
            sound = last["story"] == stage.name and not last["violations"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        figures = {key: value for key, value in last.items() if key not in OWN_KEYS}
        return {"made": last["made"], "figures": figures} if sound else None

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _write(self, report: Path, stage: Stage, problem: str, seconds: float) -> None:
        body = {
            "story": stage.name,
            "violations": stage.violations + bool(problem),
            "problem": problem,
            "seconds": round(seconds, 1),
            "checks": [{"check": text, "held": held} for text, held in stage.checks],
            "made": stage.made,
            **stage.figures,
        }
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(body, ensure_ascii=False, indent=2, default=str) + "\n")

    def _summary(self, stage: Stage) -> None:
        held = len(stage.checks) - stage.violations
        self.say(f"\n{held} of {len(stage.checks)} checks hold")
        charges = stage.figures.get("charges")
        if charges:
            self.say(
                f"{charges['count']} charges, {charges['total_fen'] / 100:,.2f} CNY: vouchers "
                f"{charges['voucher_fen'] / 100:,.2f}, enterprise {charges['own_fen'] / 100:,.2f}; "
                f"{charges['accelerator_hours']} accelerator-hours, {charges['energy_kwh']} kWh, "
                f"{charges['carbon_kg']} kgCO2"
            )
            for name, total_fen in stage.figures["providers_fen"].items():
                self.say(f"  {name}: {total_fen / 100:,.2f} CNY")
            for envelope in stage.figures["envelopes"]:
                amounts = ", ".join(
                    f"{key.removesuffix('_fen')} {value / 100:,.2f}"
                    for key, value in envelope.items()
                    if key.endswith("_fen")
                )
                self.say(f"  {envelope['name']}: {amounts}")
        self.say(f"\nlogins at {stage.base_url} (password {PASSWORD}):")
        shown = ("enterprise", "sample-provider-2", "officer", "auditor")
        pages = {part.username: part.page for part in PARTS}
        for username in shown:
            page = pages.get(username, "provider")
            self.say(f"  {username:<18} {stage.base_url}/{page}")
