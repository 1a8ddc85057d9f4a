"""The week of a market on a page: drawn from what the run stored, for who may see it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.decisions import SYSTEM
from identity.roles import Role
from scheduling.actions.load_carbon_signals import load_carbon_signals
from scheduling.actions.run_matching import run_matching
from scheduling.models import Placement, Workload
from scheduling.pull_market import horizon_start
from scheduling.read_week import week_of
from tests.factories import NOW, make_actor, make_organization
from tests.marketplace.portal.conftest import browser
from tests.scheduling.builders import make_workload
from tests.scheduling.test_run_matching import match, offered

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def a_week(*, jobs: int = 3):
    enterprise = make_organization()
    offered(units=2, price_fen=700)
    for _ in range(jobs):
        make_workload(enterprise=enterprise, units=2, hours=20)
    return match(), enterprise


def reader(organization, role) -> object:
    return browser(make_actor(organization, role), language="zh-hans")


def auditor():
    return reader(make_organization("government"), Role.AUDITOR)


def test_an_empty_market_says_so():
    page = auditor().get("/week").content.decode()
    assert "尚无规划" in page


def test_shows_capacity_load_scarcity_and_one_job_in_both_languages():
    run, _enterprise = a_week()
    client = auditor()
    chinese = client.get("/week").content.decode()
    client.cookies["django_language"] = "en"
    english = client.get(f"/week/{run.pk}").content.decode()
    for page in (chinese, english):
        assert page.count("<svg") == 5
        assert 'class="frame"' in page
    assert "哪些时段紧缺" in chinese
    assert "恒定" in chinese
    assert "Where hours were scarce" in english
    assert "flat" in english
    assert "Runs at" in english


def test_scarcity_is_where_the_plan_had_to_turn_work_away():
    run, _enterprise = a_week(jobs=4)
    assert Workload.objects.filter(state="unplaced").count() == 2
    (row,) = week_of(run).rows
    assert row.capacity.max() == 2
    assert row.planned.sum() == 2 * 2 * 20
    full = row.planned == 2
    assert row.shadow_fen[full].max() > 0
    assert row.shadow_fen[72:].max() == 0, "nobody may run after the deadline"


def test_an_enterprise_sees_the_week_but_only_its_own_job():
    _run, enterprise = a_week()
    mine = reader(enterprise, Role.ENTERPRISE_APPLICANT).get("/week").content.decode()
    others = reader(make_organization(), Role.ENTERPRISE_APPLICANT).get("/week").content.decode()
    reference = Placement.objects.first().workload.reference
    assert reference in mine
    assert reference not in others
    assert "最近的规划" not in mine


def test_a_calibrated_signal_is_marked_and_moves_the_work():
    offered(units=2)
    dirty = [("150000", hour, "0.9" if hour < 24 else "0.1") for hour in range(168)]
    load_carbon_signals(
        rows=dirty,
        starts_at=horizon_start(NOW),
        quality="calibrated",
        source="a test",
        actor=SYSTEM,
        at=NOW,
    )
    make_workload(units=2, hours=3)
    run = match()
    (signal,) = week_of(run).signals
    assert (signal.quality, signal.basis) == ("calibrated", "a test")
    hour = (Placement.objects.get().starts_at - run.horizon_starts_at).total_seconds() / 3600
    assert hour >= 24
    assert "校准" in auditor().get("/week").content.decode()


def test_half_a_week_of_signals_is_not_mixed_with_a_mean():
    offered(units=2)
    load_carbon_signals(
        rows=[("150000", hour, "0.1") for hour in range(100)],
        starts_at=horizon_start(NOW),
        quality="measured",
        source="a test",
        actor=SYSTEM,
        at=NOW,
    )
    make_workload()
    assert week_of(match()).signals[0].quality == "flat"


def test_more_jobs_ask_no_more_queries():
    a_week(jobs=1)
    client = auditor()
    client.get("/week")

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/week").status_code == 200
        return len(captured)

    first = asked()
    offered(units=9)
    for _ in range(4):
        make_workload(units=1, hours=2)
    run_matching(actor=SYSTEM, at=NOW)
    client.get("/week")
    assert asked() <= first + 1
