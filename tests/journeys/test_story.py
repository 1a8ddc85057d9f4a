"""Every numbered step of the story through HTTP, against a real worker, platform and gateway."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from marketplace.management.commands.play_story import STEPS
from tests.journeys.conftest import WorkerProcess

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_each_step_of_the_story_holds_and_the_books_are_proved(
    worker: WorkerProcess, live_server, settings, tmp_path: Path, capsys
):
    settings.DEMO = True
    call_command("load_facts", verbosity=0)
    worker.start()
    report = tmp_path / "report.json"
    call_command("play_story", base_url=live_server.url, report=str(report))
    told = json.loads(report.read_text())
    assert (told["problem"], told["violations"]) == ("", 0), told
    assert [each for each in told["checks"] if not each["held"]] == []
    assert len(told["checks"]) > 20
    assert told["zhongwei_awards_fen"]
    assert sorted(told["zhongwei_awards_fen"].values()) == [100_000_00, 2_000_000_00]
    assert told["charges"]["total_fen"] == (
        told["charges"]["voucher_fen"] + told["charges"]["own_fen"]
    )
    said = capsys.readouterr().out
    for number, (title, _step) in enumerate(STEPS, start=1):
        assert f"{number}/{len(STEPS)} {title}" in said

    call_command("play_story", base_url=live_server.url, report=str(report))  # a warm start
    again, said = json.loads(report.read_text()), capsys.readouterr().out
    assert (again["problem"], again["violations"]) == ("", 0)
    assert again["charges"] == told["charges"]
    assert f"{len(STEPS)}/{len(STEPS)}" in said
    assert f" 1/{len(STEPS)}" not in said
