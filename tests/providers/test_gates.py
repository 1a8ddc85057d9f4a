"""A gate over HTTP and on pages: asked, actual, met or not, and the layer a figure is from."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from identity.roles import Role
from providers.green import Condition
from providers.models import Facility, GreenRating
from scheduling.api.serializers import PlacementSerializer
from scheduling.green_gates import green_gates
from tests.factories import make_actor
from tests.marketplace.orders import make_buyer, offer
from tests.marketplace.portal.conftest import browser
from tests.providers.supply import approve_row, make_facility, verifier
from tests.providers.test_api import Caller
from vouchers.green_gates import green_conditions, stated_gates

pytestmark = pytest.mark.django_db
LEVEL = {
    "kind": "green_low_carbon_level",
    "level": "4A",
    "certificate_number": "No. 4",
    "issuer": "ODCC",
}


def rated(facility, *, tier=3, pue="1.150000", renewable="0.750000"):
    now = timezone.now()
    row = GreenRating.objects.create(
        facility=facility,
        method_version="m-1",
        factors_version="t",
        period=DateTimeTZRange(now - timedelta(days=400), now - timedelta(days=35)),
        green_tier=tier,
        score=60,
        score_possible=80,
        completeness=1,
        pue=pue,
        indicators=[
            {"id": "pue", "value": pue},
            {"id": "renewable", "value": renewable},
            {"id": "hourly_cfe", "value": None},
        ],
        findings={},
        computed_at=now,
    )
    valid = DateTimeTZRange(now - timedelta(days=1), now + timedelta(days=300))
    approve_row(row, valid, verifier().person_id)
    return row


@pytest.fixture
def facility():
    return make_facility()


@pytest.fixture
def provider(client, facility):
    return Caller(client, facility.provider, Role.PROVIDER_ADMIN)


def answers(caller, facility, query=""):
    told = caller.get(f"facilities/{facility.pk}/gates{query}")
    assert told.status_code == 200, told.content
    return {each["metric"]: each for each in told.json()}


def test_each_customary_gate_shows_asked_actual_met_and_layer(provider, facility):
    rating = rated(facility)
    Facility.objects.filter(pk=facility.pk).update(official_statuses=[LEVEL])
    told = answers(provider, facility)
    assert told == {
        "pue": {
            "metric": "pue",
            "op": "<=",
            "asked": "1.2",
            "actual": "1.15",
            "met": True,
            "layer": "computed",
            "source": f"{rating.pk}, m-1",
        },
        "renewable_share": {
            "metric": "renewable_share",
            "op": ">=",
            "asked": "0.8",
            "actual": "0.75",
            "met": False,
            "layer": "computed",
            "source": f"{rating.pk}, m-1",
        },
        "green_low_carbon_level": {
            "metric": "green_low_carbon_level",
            "op": ">=",
            "asked": "4A",
            "actual": "4A",
            "met": True,
            "layer": "official",
            "source": "No. 4, ODCC",
        },
    }


def test_a_facility_without_a_rating_in_force_has_nothing_to_show(provider, facility):
    told = answers(provider, facility)
    assert {(each["actual"], each["met"]) for each in told.values()} == {(None, False)}


def test_one_may_ask_for_other_bounds(provider, facility):
    rated(facility)
    told = answers(provider, facility, "?max_pue=1.1&min_green_tier=3&min_hourly_cfe=0")
    assert {metric: each["met"] for metric, each in told.items()} == {
        "pue": False,
        "green_tier": True,
        "hourly_cfe": False,
    }


@pytest.mark.parametrize("query", ["?max_pue=low", "?max_pue=NaN", "?official=a_prize"])
def test_a_gate_that_cannot_be_read_is_refused(provider, facility, query):
    assert provider.get(f"facilities/{facility.pk}/gates{query}").status_code == 422


def test_a_placement_shows_the_tier_asked_for_and_the_rating_it_saw():
    placement = offer(make_buyer())
    placement.workload.min_green_tier = 3
    assert [(each.actual, each.met) for each in green_gates(placement)] == [(None, False)]
    placement.rating = rated(placement.pool.facility, tier=3)
    (told,) = green_gates(placement)
    assert (told.asked, told.actual, told.met, told.layer) == ("3", "3", True, "computed")
    shown = PlacementSerializer(placement).data
    assert (shown["green_tier"], [each["met"] for each in shown["gates"]]) == (3, [True])
    placement.workload.min_green_tier = None
    assert green_gates(placement) == ()


TERMS = {
    "green": {"gates": [{"metric": "pue", "op": "<", "value": "1.2"}]},
    "benefit": {
        "lines": [
            {"gates": [{"metric": "green_share", "op": ">=", "value": "0.5"}]},
            {"gates": [{"metric": "pue", "op": "<", "value": "1.2"}]},
            {"gates": [{"metric": "pue", "op": "<=", "value": None}]},
            {"gates": [{"metric": "rank", "op": "<=", "value": "3"}]},
        ]
    },
}


def test_a_programmes_green_gates_are_held_against_what_was_stated():
    assert list(green_conditions(TERMS)) == [
        Condition("pue", "<", Decimal("1.2")),
        Condition("green_share", ">=", Decimal("0.5")),
    ]
    pue, share = stated_gates(TERMS, {"pue": "1.2", "green_share": None})
    assert (pue.actual, pue.met, pue.layer) == ("1.2", False, "gate")
    assert (share.actual, share.met) == (None, False)


@pytest.mark.parametrize(("language", "met"), [("en", "not met"), ("zh-Hans", "未达到")])
def test_the_providers_page_shows_its_gates(facility, language, met):
    rated(facility)
    admin = make_actor(facility.provider, Role.PROVIDER_ADMIN)
    page = browser(admin, language=language).get("/provider").content.decode()
    assert "≤ 1.2" in page
    assert "≥ 80 %" in page
    assert "75 %" in page
    assert met in page
