"""Another body's verdict is copied as printed, renewed by its number, and computed by nobody."""

import pytest

from audit.decisions import Invalid, NotFound
from audit.models import AuditEvent
from identity.roles import Role
from providers.actions.copy_official_status import copy_official_status
from tests.factories import NOW
from tests.providers.supply import make_facility, provider_admin, verifier
from tests.providers.test_api import Caller

pytestmark = pytest.mark.django_db
GRADE = {
    "kind": "gb_40879_2021",
    "level": "2",
    "certificate_number": "NX-1",
    "issuer": "某认证机构",
    "valid_until": "2027-01-01",
}


def copy(facility, *, actor=None, **changed):
    actor = actor or provider_admin(facility)
    return copy_official_status(facility=facility, status=GRADE | changed, actor=actor, at=NOW)


def test_a_renewal_replaces_the_certificate_of_its_number_and_the_event_keeps_both():
    facility = make_facility()
    copy(facility)
    copy(facility, certificate_number="NX-2")
    renewed = copy(facility, actor=verifier(), valid_until="2030-01-01")
    assert [
        (each["certificate_number"], each["valid_until"]) for each in renewed.official_statuses
    ] == [("NX-2", "2027-01-01"), ("NX-1", "2030-01-01")]
    told = AuditEvent.objects.filter(kind="official_status.copied").latest("pk").data
    assert told["replaced"][0]["valid_until"] == "2027-01-01"


@pytest.mark.parametrize("wrong", [{"points": 90}, {"valid_until": "next year"}])
def test_refuses_what_no_certificate_says(wrong):
    with pytest.raises(Invalid):
        copy(make_facility(), **wrong)


def test_another_provider_copies_nothing_here():
    with pytest.raises(NotFound):
        copy(make_facility(), actor=provider_admin(make_facility()))


@pytest.mark.urls("tests.providers.routes")
def test_over_http(client):
    facility = make_facility()
    me = Caller(client, facility.provider, Role.PROVIDER_ADMIN)
    answer = me.post(f"facilities/{facility.pk}/official-statuses", GRADE)
    assert answer.json()["official_statuses"][0]["certificate_number"] == "NX-1"
    assert me.post(f"facilities/{facility.pk}/official-statuses", {}).status_code == 422
