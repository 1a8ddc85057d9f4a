"""One week of the market in a real browser, in both languages, wide and narrow.

`SHOTS=folder` keeps the pictures.
"""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from audit.decisions import SYSTEM
from identity.roles import Role
from scheduling.actions.list_pool import list_pool
from scheduling.models import Workload
from tests.factories import NOW, make_membership, make_organization
from tests.providers.supply import make_facility, make_offer, make_pool
from tests.scheduling.builders import make_platform, make_workload
from tests.scheduling.test_run_matching import match

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
RIGHT_EDGES = (
    "[...document.querySelectorAll('tr.why > td > *')].map(x => x.getBoundingClientRect().right)"
)
SITES = (("130700", 4, 900), ("150100", 6, 700), ("310100", 4, 1400), ("520100", 8, 600))


@pytest.fixture
def market():
    """Four cities, thirty workloads of one enterprise, one of them wanting more than there is."""
    platform = make_platform()
    providers = []
    for adcode, units, price in SITES:
        pool = make_pool(make_facility(adcode=adcode), units=units)
        make_offer(pool, price_fen=price)
        list_pool(pool=pool, platform=platform, actor=SYSTEM, at=NOW)
        providers.append(pool.facility.provider)
    enterprise = make_organization()
    for number in range(30):
        made = make_workload(enterprise=enterprise, units=1 + number % 6, hours=3 + number % 9)
        Workload.objects.filter(pk=made.pk).update(
            max_price_fen_per_unit_hour=700 + 60 * number,
            deadline_at=made.earliest_at + timedelta(hours=14 + 5 * number),
        )
    large = make_workload(enterprise=enterprise, units=50)
    match()
    large.refresh_from_db()
    assert large.state == "unplaced"
    return enterprise, providers[2]


def logged_in(browser, live_server, organization, role, *, language: str, width: int):
    person = make_membership(organization, role).user
    context = browser.new_context(locale=language, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{live_server.url}/login")
    page.fill("#id_username", person.get_username())
    page.fill("#id_password", "a long test password")
    page.click("form.login button.primary")
    return page


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_pages_and_reasons_are_no_wider_than_their_window(
    live_server, market, tmp_path, monkeypatch, language, width
):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright keeps a loop of its own
    folder = Path(os.environ.get("SHOTS", tmp_path))
    enterprise, provider = market
    looks = [
        (enterprise, Role.ENTERPRISE_APPLICANT, "week"),
        (enterprise, Role.ENTERPRISE_APPLICANT, "enterprise"),
        (provider, Role.PROVIDER_ADMIN, "provider"),
    ]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for organization, role, name in looks:
            page = logged_in(
                browser, live_server, organization, role, language=language, width=width
            )
            page.goto(f"{live_server.url}/{name}")
            page.screenshot(path=folder / f"{name}-{language}-{width}.png", full_page=True)
            assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            if name == "enterprise":  # a table may scroll; what explains a row is read without
                reasons = page.evaluate(RIGHT_EDGES)
                assert len(reasons) > 30
                assert max(reasons) <= width
        browser.close()
