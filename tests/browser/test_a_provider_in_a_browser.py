"""A provider's whole way in a real browser; what a program would send goes over the API."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.decisions import SYSTEM
from identity.roles import Role
from marketplace.tasks import sweep_outbox
from providers.actions.load_supply_facts import load_supply_facts
from providers.green.exact import civil_day, months_later, start_of_day
from providers.models import Pool
from tests.factories import NOW, make_membership, make_organization
from tests.journeys.test_provider import BAD, POOLS, workbook
from tests.providers.test_api import Caller

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
OFFICIAL = {
    "kind": "gb_40879_2021",
    "level": "2",
    "certificate_number": "NX-2025-0042",
    "issuer": "某认证机构",
    "valid_until": "2099-01-01",
}


def send(page, live_server, name: str, bad: dict) -> None:
    """Choose a workbook and have it checked."""
    page.goto(f"{live_server.url}/provider/imports")
    book = workbook(name, bad)
    page.set_input_files(
        "#file", {"name": "pools.xlsx", "mimeType": "application/xlsx", "buffer": book.read()}
    )
    page.click("main button.primary")
    page.wait_for_url("**/provider/imports/*")


def test_a_provider_sees_its_way_from_a_spreadsheet_to_a_rating_lost_and_regained(
    live_server, page, shoot
):
    load_supply_facts(actor=SYSTEM, at=NOW)
    organization = make_organization("provider", adcode="150100")
    person = make_membership(organization, Role.PROVIDER_ADMIN).user
    me = Caller(Client(), organization, Role.PROVIDER_ADMIN)
    office = make_organization("government")
    officer, other = (Caller(Client(), office, Role.RATING_VERIFIER) for _ in range(2))

    page.goto(f"{live_server.url}/login?next=/provider")
    page.fill("#id_username", person.get_username())
    page.fill("#id_password", "a long test password")
    page.click("form.login button.primary")
    page.wait_for_url("**/provider")
    shoot("1-nothing-yet")

    site = {"installed_racks": 800, "racks_in_use": 560, "nominal_rack_kw": "4"}
    facility = me.post(
        "facilities",
        {"name": "青城一号", "adcode": "150100", "site": site, "official_statuses": [OFFICIAL]},
    ).json()["id"]
    page.goto(f"{live_server.url}/provider")
    card = page.locator("article", has_text="青城一号")
    # An official status is shown and the index is not computed from it.
    assert "NX-2025-0042" in card.inner_text()
    assert "Unrated" in card.inner_text()
    shoot("2-an-official-status-is-no-rating")

    send(page, live_server, "青城一号", BAD)
    wrong = page.locator("tbody tr", has_text="abacus")
    assert wrong.count() == 1
    assert page.locator("tbody tr .tag.bad").count() == len(BAD)
    assert page.locator("text=Write all").count() == 0
    assert Pool.objects.count() == 0
    shoot("3-three-rows-are-wrong")
    send(page, live_server, "青城一号", {})
    page.click("text=Write all")
    page.wait_for_selector(".tag:has-text('written')")
    assert Pool.objects.count() == POOLS
    shoot("4-a-thousand-pools")

    first_day = months_later(civil_day(timezone.now()).replace(day=1), -12)
    meter_and_certify(me, facility, first_day)
    page.goto(f"{live_server.url}/provider/meters")
    assert "T-1" in page.inner_text("main")
    shoot("5-a-year-of-meters")

    page.goto(f"{live_server.url}/provider")
    rating = draft_and_submit(page, me, shoot)
    assert officer.post(f"ratings/{rating['id']}/approve").json()["state"] == "approved"
    page.goto(f"{live_server.url}/provider")
    card.locator("summary").click()
    told = card.inner_text()
    assert f"Tier {rating['green_tier']}" in told
    assert "What would raise it" in told
    shoot("6-rated-and-what-would-raise-it")

    other.post(f"ratings/{rating['id']}/challenge", {"reason": "meter"})
    page.goto(f"{live_server.url}/provider")
    assert "Under challenge" in card.inner_text()
    shoot("7-challenged")
    since = (timezone.now() - timedelta(days=30)).isoformat()
    revoke = {"revoked_from": since, "reason": "T-1 was bypassed"}
    assert other.post(f"ratings/{rating['id']}/revoke", revoke).json()["state"] == "revoked"
    page.goto(f"{live_server.url}/provider")
    told = card.inner_text()
    assert "Unrated" in told
    assert "T-1 was bypassed" in told
    shoot("8-lost")

    again = draft_and_submit(page, me, shoot)
    assert officer.post(f"ratings/{again['id']}/approve").json()["state"] == "approved"
    page.goto(f"{live_server.url}/provider")
    assert f"Tier {again['green_tier']}" in card.inner_text()
    shoot("9-regained")


def draft_and_submit(page, me: Caller, shoot) -> dict:
    """On the page: the draft says what the rating would be and what would raise it; hand it in."""
    page.click("text=Draft a rating of the last twelve months")
    page.wait_for_selector("text=what the rating would be")
    shoot("6a-a-draft")
    page.click("text=Submit this draft")
    page.wait_for_selector(".tag:has-text('submitted')")
    sweep_outbox()
    return me.get("ratings?state=auto_checked").json()["results"][0]


def meter_and_certify(me: Caller, facility: int, first_day) -> None:
    """A year of hours of both boundaries, and certificates for 40 % of it."""
    starts_at, ends_at = start_of_day(first_day), start_of_day(months_later(first_day, 12))
    hours = int((ends_at - starts_at) / timedelta(hours=1))
    for code, kind, value in (("T-1", "facility_total_kwh", "1250"), ("IT-1", "it_kwh", "1000")):
        me.post("meters", {"facility": facility, "kind": kind, "code": code})
        series = {
            "meter": code,
            "unit": "kWh",
            "starts_at": starts_at.isoformat(),
            "interval_seconds": 3600,
            "quantities": [value] * hours,
        }
        body = {"facility": facility, "source": "bms", "series": [series]}
        assert me.post("meter-readings", body).json()["accepted"] == hours
    serials = [f"GEC-{number:05d}" for number in range(hours * 1250 * 4 // 10_000_000 * 1000)]
    lots = [{"serial": serial, "vintage": first_day.isoformat()} for serial in serials]
    assert me.post("certificates", {"certificates": lots}).json()["count"] == len(serials)
    span = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    me.post("certificates/allocate", {"facility": facility, "serials": serials} | span)
    me.post("certificates/retire", {"facility": facility, "serials": serials})
