"""A real planner killed with SIGKILL in any phase leaves nothing and is replaced at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from scheduling.models import MatchArchive, MatchRun, Placement, PoolHour, Workload
from tests.factories import NOW
from tests.scheduling.builders import make_workload
from tests.scheduling.test_run_matching import match, offered

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Plans, and says so and waits to be killed when it comes to the phase named.
PLANNER = """
import sys, time
import django
django.setup()
from datetime import datetime
from audit.decisions import SYSTEM
from audit.outbox import doorbell
from scheduling.actions import commit_plan, run_matching as module
phase, at = sys.argv[1], datetime.fromisoformat(sys.argv[2])
doorbell.listen(lambda: None)

def here():
    print("here", flush=True)
    time.sleep(60)

tell = module.Progress.tell
def watched(self, step, share=0.0):
    tell(self, step, share)
    if step == phase:
        here()
module.Progress.tell = watched
if phase == "written":
    store = module.store_archive
    def stored(*args):
        store(*args)
        here()
    module.store_archive = stored
module.run_matching(actor=SYSTEM, at=at)
"""


def start_planner(phase: str) -> subprocess.Popen[str]:
    found = settings.DATABASES["default"]
    host = found["HOST"] or found.get("OPTIONS", {}).get("host", "")
    url = f"postgresql://{found['USER']}@/{connection.settings_dict['NAME']}?host={host}"
    if found.get("PORT"):
        url += f"&port={found['PORT']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": "only-for-tests",
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "PGPASSWORD": found.get("PASSWORD") or "",
    }
    return subprocess.Popen(
        [sys.executable, "-c", PLANNER, phase, NOW.isoformat()],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("phase", ["pull", "prove", "check", "commit", "written"])
def test_killed_at_any_phase_it_leaves_nothing_and_is_replaced_at_once(phase):
    offered(units=4)
    for _ in range(3):
        make_workload(units=2, hours=3)
    planner = start_planner(phase)
    assert planner.stdout is not None
    while (line := planner.stdout.readline()) and line.strip() != "here":
        pass
    assert line, "the planner ended before it came to the phase"
    os.kill(planner.pid, signal.SIGKILL)
    planner.wait()
    for _ in range(100):  # the server notices that the session is gone
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid = (SELECT backend_pid FROM scheduling_matchinglease)"
            )
            if not cursor.fetchone()[0]:
                break
        time.sleep(0.1)
    assert Placement.objects.count() == PoolHour.objects.count() == 0
    assert MatchArchive.objects.count() == 0
    assert set(Workload.objects.values_list("state", flat=True)) == {"submitted"}
    again = match()  # at the same instant: the lease has four minutes and more to run
    assert again.state == "done"
    assert sorted(MatchRun.objects.values_list("state", flat=True)) == ["abandoned", "done"]
    assert Placement.objects.filter(state="proposed").count() == 3
