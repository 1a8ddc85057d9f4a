"""A provider's way: register, bring in 1,000 pools, meter a year, be rated, lose it, regain it."""

import importlib.util
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from audit.decisions import SYSTEM
from identity.roles import Role
from marketplace.tasks import sweep_outbox
from providers.actions.load_supply_facts import load_supply_facts
from providers.bulk import COLUMNS, read_table, write_xlsx
from providers.green.exact import civil_day, months_later, start_of_day
from providers.models import Pool
from tests.factories import NOW, make_membership, make_organization
from tests.marketplace.portal.conftest import browser
from tests.providers.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
POOLS = 1000
BAD = {17: ("units", "none"), 503: ("accelerator", "abacus"), 999: ("kw_per_unit", "-1")}


def workbook(name, bad):
    rows = []
    for number in range(POOLS):
        row = dict.fromkeys(COLUMNS, "") | {
            "facility": name,
            "code": f"rack-{number:04d}",
            "accelerator": "nvidia-a100-sxm4-80gb",
            "units": "8",
            "kw_per_unit": "0.5",
            "price_unit": "卡时",
            "price_fen": "900",
        }
        if number in bad:
            column, value = bad[number]
            row[column] = value
        rows.append([row[column] for column in COLUMNS])
    return SimpleUploadedFile("pools.xlsx", write_xlsx(list(COLUMNS), rows))


def test_a_provider_brings_in_its_pools_is_rated_loses_it_and_regains_it(client):
    load_supply_facts(actor=SYSTEM, at=NOW)
    organization = make_organization("provider", adcode="150100")
    membership = make_membership(organization, Role.PROVIDER_ADMIN)
    me, pages = (
        Caller(client, organization, Role.PROVIDER_ADMIN),
        browser(membership.actor(at=timezone.now())),
    )
    office = make_organization("government")
    third, officer, other = (Caller(client, office, Role.RATING_VERIFIER) for _ in range(3))
    today = civil_day(timezone.now())
    first_day = months_later(today.replace(day=1), -12)
    period = (start_of_day(first_day), start_of_day(today.replace(day=1)))
    hours = int((period[1] - period[0]) / timedelta(hours=1))

    site = {"installed_racks": 800, "racks_in_use": 560, "nominal_rack_kw": "4"}
    made = me.post("facilities", {"name": "青城一号", "adcode": "150100", "site": site})
    facility = made.json()["id"]

    # A thousand pools with three bad rows, on the page: nothing is written, the rows are named.
    page = pages.post("/provider/imports", {"file": workbook("青城一号", BAD)}, follow=True)
    told = page.content.decode()
    assert "abacus" in told
    assert Pool.objects.count() == 0
    errors = b"".join(pages.get(page.wsgi_request.path + "?as=csv").streaming_content).decode()
    wrong = list(read_table(errors.encode(), "errors.csv"))
    assert {(int(cells["row"]) - 2, cells["column"]) for _, cells in wrong} == {
        (number, column) for number, (column, _value) in BAD.items()
    }
    page = pages.post("/provider/imports", {"file": workbook("青城一号", {})}, follow=True)
    pages.post(page.wsgi_request.path)
    assert Pool.objects.count() == POOLS

    # A year of hours, by two meters.
    for code, kind, value in (("T-1", "facility_total_kwh", "1250"), ("IT-1", "it_kwh", "1000")):
        me.post("meters", {"facility": facility, "kind": kind, "code": code})
        series = {
            "meter": code,
            "unit": "kWh",
            "starts_at": period[0].isoformat(),
            "interval_seconds": 3600,
            "quantities": [value] * hours,
        }
        body = {"facility": facility, "source": "bms", "series": [series]}
        assert me.post("meter-readings", body).json()["accepted"] == hours
    assert "T-1" in pages.get("/provider/meters").content.decode()

    # Certificates for 40 % of it; rated, and told what would raise it.
    serials = [f"GEC-{number:05d}" for number in range(hours * 1250 * 4 // 10_000_000 * 1000)]
    span = {"starts_at": period[0].isoformat(), "ends_at": period[1].isoformat()}
    lots = [{"serial": serial, "vintage": first_day.isoformat()} for serial in serials]
    assert me.post("certificates", {"certificates": lots}).json()["count"] == len(serials)
    me.post("certificates/allocate", {"facility": facility, "serials": serials} | span)
    me.post("certificates/retire", {"facility": facility, "serials": serials})
    rating = me.post("ratings", {"facility": facility, "first_day": first_day.isoformat()}).json()
    assert rating["pue"] == "1.250000"
    assert {each["item"] for each in rating["findings"]["raises"]} >= {"pue", "wue"}
    number = rating["id"]
    assert rating["state"] == "draft"
    assert "what the rating would be" in pages.get("/provider").content.decode()
    assert third.post(f"ratings/{number}/verify", {"statement": "too early"}).status_code == 409
    assert me.post(f"ratings/{number}/submit").json()["state"] == "submitted"
    sweep_outbox()
    assert third.post(f"ratings/{number}/verify", {"statement": "meters seen"}).status_code == 200
    assert third.post(f"ratings/{number}/approve").status_code == 403
    assert officer.post(f"ratings/{number}/approve").json()["state"] == "approved"
    assert "Tier" in pages.get("/provider").content.decode()

    # Challenged, revoked from a month ago on.
    assert other.post(f"ratings/{number}/challenge", {"reason": "meter"}).status_code == 200
    since = (timezone.now() - timedelta(days=30)).isoformat()
    revoked = other.post(
        f"ratings/{number}/revoke", {"revoked_from": since, "reason": "T-1 was bypassed"}
    )
    assert revoked.json()["state"] == "revoked"
    assert "Unrated" in pages.get("/provider").content.decode()

    # The hour in doubt is corrected as a new row; a new rating rests on it.
    fix = {
        "meter": "T-1",
        "event_id": "fix-1",
        "corrects": f"T-1@{period[0].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}/3600",
        "starts_at": period[0].isoformat(),
        "ends_at": (period[0] + timedelta(hours=1)).isoformat(),
        "quantity": "1300",
        "unit": "kWh",
    }
    body = {"facility": facility, "source": "bms", "readings": [fix]}
    assert me.post("meter-readings", body).json()["accepted"] == 1
    pages.post(f"/provider/facilities/{facility}/draft-rating")
    again = me.get("ratings?state=draft").json()["results"][0]
    pages.post(f"/provider/ratings/{again['id']}/submit")
    sweep_outbox()
    assert again["input_digest"] != rating["input_digest"]
    assert officer.post(f"ratings/{again['id']}/approve").json()["state"] == "approved"
    bundle = me.get(f"ratings/{again['id']}/bundle").json()
    assert verified(bundle) == []
    bundle["output"]["green_tier"] = 4
    assert verified(bundle)


def verified(bundle) -> list[str]:
    """What the script an outsider has finds wrong with a bundle."""
    script = Path(__file__).parents[2] / "docs" / "verify_rating.py"
    spec = importlib.util.spec_from_file_location("verify_rating", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verify(bundle)
