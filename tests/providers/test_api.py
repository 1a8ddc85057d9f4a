"""The suppliers over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from identity.roles import Role
from providers.models import MeterReading, PriceVersion
from tests.factories import make_key, make_membership, make_organization
from tests.providers.supply import (
    YEAR_STARTS,
    a_card,
    ingest,
    make_facility,
    make_meter,
    make_offer,
    make_pool,
    reading,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.routes")]


class Caller:
    def __init__(self, client, organization, *roles):
        self.client = client
        self.headers = {"authorization": make_key(make_membership(organization, *roles))}

    def get(self, path):
        return self.client.get(f"/api/v1/{path}", headers=self.headers)

    def post(self, path, body=None):
        return self.client.post(
            f"/api/v1/{path}", body or {}, content_type="application/json", headers=self.headers
        )


@pytest.fixture
def facility():
    return make_facility()


@pytest.fixture
def provider(client, facility):
    return Caller(client, facility.provider, Role.PROVIDER_ADMIN)


@pytest.fixture
def stranger(client):
    return Caller(client, make_organization("provider"), Role.PROVIDER_ADMIN)


@pytest.fixture
def auditor(client):
    return Caller(client, make_organization("government"), Role.AUDITOR)


@pytest.fixture
def enterprise(client):
    return Caller(client, make_organization("enterprise"), Role.ENTERPRISE_APPLICANT)


def fields(response):
    return [error["field"] for error in response.json()["errors"]]


def test_a_provider_registers_lists_and_prices(client, provider):
    a_card()
    facility = provider.post("facilities", {"name": "新设施", "adcode": "150100"})
    assert facility.status_code == 201, facility.content
    pool = provider.post(
        "pools",
        {
            "facility": facility.json()["id"],
            "code": "p1",
            "accelerator": "nvidia-a100-sxm4-80gb",
            "units": 8,
            "kw_per_unit": "0.5",
        },
    )
    assert pool.status_code == 201, pool.content
    offer = provider.post("offers", {"pool": pool.json()["id"], "unit": "card_hour"})
    assert offer.status_code == 201, offer.content
    number = offer.json()["id"]
    assert provider.post(f"offers/{number}/list").json()["code"] == "offer_has_no_price"
    price = provider.post(
        "prices", {"offer": number, "price_fen_per_unit_hour": 1200, "currency": "CNY"}
    )
    assert price.status_code == 201, price.content
    assert provider.post(f"offers/{number}/list").json()["state"] == "listed"
    assert provider.get(f"offers/{number}").json()["prices"][0]["price_fen_per_unit_hour"] == 1200


def test_what_belongs_to_another_provider_is_not_found(facility, provider, stranger):
    offer = make_offer(make_pool(facility), listed=False)
    meter = make_meter(facility, "it_kwh")
    ingest(facility, [reading(meter, 0, 1)])
    paths = [
        f"facilities/{facility.pk}",
        f"pools/{offer.pool_id}",
        f"offers/{offer.pk}",
        f"prices/{PriceVersion.objects.get().pk}",
        f"meters/{meter.pk}",
        f"meter-readings/{MeterReading.objects.get().pk}",
    ]
    assert [provider.get(path).status_code for path in paths] == [200] * 6
    assert [stranger.get(path).status_code for path in paths] == [404] * 6
    assert stranger.post(f"offers/{offer.pk}/withdraw").status_code == 404
    body = {"facility": facility.pk, "source": "s", "readings": []}
    assert stranger.post("meter-readings", body).status_code == 404
    assert (
        stranger.post("ratings", {"facility": facility.pk, "first_day": "2025-01-01"}).status_code
        == 404
    )


def test_an_enterprise_sees_the_market_and_writes_nothing(facility, enterprise):
    listed, hidden = make_offer(make_pool(facility)), make_offer(listed=False)
    assert enterprise.get(f"offers/{listed.pk}").status_code == 200
    assert enterprise.get(f"offers/{hidden.pk}").status_code == 404
    assert enterprise.post(f"offers/{listed.pk}/withdraw").status_code == 403
    assert enterprise.get(f"meters/{make_meter(facility, 'it_kwh').pk}").status_code == 404


def test_an_auditor_reads_everything_and_writes_nothing(facility, auditor):
    assert auditor.get(f"facilities/{facility.pk}").status_code == 200
    assert auditor.post("facilities", {"name": "x", "adcode": "150100"}).status_code == 403


def test_a_stranger_without_a_key_is_asked_who_they_are(client):
    assert client.get("/api/v1/facilities").status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("facilities", {"name": "n", "adcode": "990000"}, "adcode"),
        ("facilities", {"name": "n", "adcode": "150100", "hub_area": 99}, "hub_area"),
        ("prices", {"offer": "OFFER", "price_fen_per_unit_hour": 1, "currency": "USD"}, "currency"),
        ("offers", {"pool": "POOL", "unit": "gpu_minute"}, "unit"),
        ("meters", {"facility": "FACILITY", "kind": "it_mwh", "code": "m"}, "kind"),
        (
            "pools",
            {
                "facility": "FACILITY",
                "code": "c",
                "accelerator": "nvidia-x",
                "units": 1,
                "kw_per_unit": "1",
            },
            "accelerator",
        ),
        (
            "certificates",
            {"certificates": [{"serial": "s", "vintage": "2025-01-01", "backs": "moon"}]},
            "certificates[0].backs",
        ),
    ],
)  # fmt: skip
def test_a_wrong_word_is_refused_with_its_field(facility, provider, path, body, field):
    offer = make_offer(make_pool(facility), listed=False)
    known = {"OFFER": offer.pk, "POOL": offer.pool_id, "FACILITY": facility.pk}
    response = provider.post(
        path, {key: known.get(value, value) if isinstance(value, str) else value
               for key, value in body.items()}
    )  # fmt: skip
    assert response.status_code == 422, response.content
    assert fields(response) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"unit": "MWh"}, "readings[0].unit"),
        ({"meter": "nobody"}, "readings[0].meter"),
        ({"quantity": "many"}, "readings[0].quantity"),
        ({"quantity": "NaN"}, "readings[0].quantity"),
        ({"starts_at": "2025-01-01T00:00:00"}, "readings[0].starts_at"),
        ({"ends_at": "2024-01-01T00:00:00+08:00"}, "readings[0].ends_at"),
        ({"event_id": ""}, "readings[0].event_id"),
    ],
)
def test_a_malformed_reading_is_refused_with_its_field(facility, provider, change, field):
    make_meter(facility, "it_kwh")
    good = {
        "meter": "it_kwh",
        "event_id": "e1",
        "starts_at": "2025-01-01T00:00:00+08:00",
        "ends_at": "2025-01-01T01:00:00+08:00",
        "quantity": "12.5",
        "unit": "kWh",
    }
    body = {"facility": facility.pk, "source": "agent", "readings": [good | change]}
    response = provider.post("meter-readings", body)
    assert response.status_code == 422, response.content
    assert fields(response) == [field]
    body["readings"] = [good]
    assert provider.post("meter-readings", body).json()["accepted"] == 1


def test_a_compact_year_is_taken_and_sent_again_changes_nothing(facility, provider):
    make_meter(facility, "facility_total_kwh")
    series = {
        "meter": "facility_total_kwh",
        "unit": "kWh",
        "starts_at": YEAR_STARTS.isoformat(),
        "interval_seconds": 3600,
        "quantities": [None, *[118.5] * 8759],
    }
    body = {"facility": facility.pk, "source": "agent", "series": [series]}
    first = provider.post("meter-readings", body)
    assert (first.status_code, first.json()["accepted"]) == (201, 8759)
    assert provider.post("meter-readings", body).json()["duplicate"] == 8759
    assert MeterReading.objects.count() == 8759


def test_a_facility_without_evidence_is_unrated_over_http(facility, provider, client):
    rated = provider.post("ratings", {"facility": facility.pk, "first_day": "2025-01-01"})
    assert rated.status_code == 201, rated.content
    assert (rated.json()["green_tier"], rated.json()["score"]) == (None, None)
    number = rated.json()["id"]
    assert provider.get(f"ratings/{number}/bundle").json()["output"]["green_tier"] is None
    assert provider.post(f"ratings/{number}/approve").status_code == 403
    verifier = Caller(client, make_organization("government"), Role.RATING_VERIFIER)
    assert verifier.post(f"ratings/{number}/approve").json()["code"] == "unrated"
    assert provider.post(f"ratings/{number}/submit").json()["code"] == "unrated"


@pytest.mark.parametrize(
    "path",
    [
        "hub-areas",
        "grid-factors",
        "accelerators",
        "facilities",
        "pools",
        "offers",
        "prices",
        "meters",
        "meter-readings",
        "certificates",
        "ratings",
    ],
)
def test_a_list_takes_as_many_queries_for_three_as_for_one(
    auditor, path, django_assert_max_num_queries
):
    for _ in range(3):
        facility = make_facility()
        make_offer(make_pool(facility))
        ingest(facility, [reading(make_meter(facility, "it_kwh"), 0, 1)])
    with django_assert_max_num_queries(7):  # key, membership, roles, rows, prices
        response = auditor.get(path)
    assert response.status_code == 200
    assert len(response.json()["results"]) >= (3 if path not in ("certificates", "ratings") else 0)


def test_the_price_starts_now_when_nothing_is_said(facility, provider):
    offer = make_offer(make_pool(facility), listed=False)
    before = timezone.now()
    body = {"offer": offer.pk, "price_fen_per_unit_hour": 5, "currency": "CNY"}
    said = provider.post("prices", body).json()
    assert before - timedelta(seconds=1) < PriceVersion.objects.get(pk=said["id"]).valid.lower
