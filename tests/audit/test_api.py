"""The chain over HTTP."""

import pytest

from audit.chain import verify_chain
from audit.seal import seal_events
from tests.marketplace.http.conftest import make_caller

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_head_is_that_of_the_chain():
    caller = make_caller("government", "auditor")
    seal_events()
    head = caller.get("audit-chain/head").json()
    report = verify_chain()
    assert report.events
    assert head == {"sequence": report.head_sequence, "hash": report.head_hash}


def test_an_auditor_reads_every_event_and_an_organization_its_own_acts():
    officer = make_caller("government", "budget_officer")
    stranger = make_caller("enterprise", "enterprise_applicant")
    auditor = make_caller("government", "auditor")
    officer.post("funding-sources", {"name": "s", "level": "city"})
    path = "audit-events?kind=funding_source.registered"
    (event,) = auditor.get(path).json()["results"]
    assert (event["seal_state"], event["sequence"], event["hash"]) == ("waiting", None, None)
    seal_events()
    (event,) = auditor.get(path).json()["results"]
    assert event["seal_state"] == "sealed"
    assert event["person_id"] == officer.membership.user_id
    assert len(event["hash"]) == 64
    assert [each["id"] for each in officer.get(path).json()["results"]] == [event["id"]]
    assert stranger.get(path).json()["results"] == []
    assert stranger.get(f"audit-events/{event['id']}").status_code == 404


def test_nobody_writes_events_over_http():
    for roles in (("auditor",), ("budget_officer",)):
        caller = make_caller("government", *roles)
        assert caller.post("audit-events", {"kind": "x"}).status_code in (403, 405)


def test_a_list_of_events_costs_the_same_however_long(django_assert_max_num_queries):
    auditor = make_caller("government", "auditor")
    for _ in range(3):
        make_caller("enterprise", "enterprise_applicant")
    with django_assert_max_num_queries(5):
        assert len(auditor.get("audit-events").json()["results"]) > 5
