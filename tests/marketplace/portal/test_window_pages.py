"""A window's page: the enterprise sees its answer and why, the officer the rush."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_actor, make_organization
from tests.marketplace.portal.conftest import browser
from tests.vouchers.windows import admit, claim, make_rush, make_window
from vouchers.actions.make_out_vouchers import make_out_vouchers

pytestmark = pytest.mark.django_db


def page(window, actor, language="en") -> str:
    answer = browser(actor, language=language).get(f"/windows/{window.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_enterprise_sees_its_answer_and_why_in_both_languages():
    rush = make_rush(5)
    claim(rush.window, *rush.applicants)
    make_out_vouchers(window_id=rush.window.pk)
    served, waiting = rush.applicants[0], rush.applicants[3]
    assert "At your turn ¥3,000.00 was left." in page(rush.window, served)
    assert f"W{rush.window.pk}-000001" in page(rush.window, served)
    assert "the window&#x27;s budget was gone at your turn" in page(rush.window, waiting)
    assert "候补中：轮到贵单位时窗口额度已用完" in page(rush.window, waiting, "zh-hans")
    assert "-000001" not in page(rush.window, waiting), "others' vouchers are not shown"


def test_before_claiming_there_is_a_button_and_afterwards_none():
    rush = make_rush(1)
    (actor,) = rush.applicants
    assert "data-claim>" in page(rush.window, actor)
    claim(rush.window, actor)
    assert "data-claim>" not in page(rush.window, actor)


def test_an_officer_sees_the_rush_and_no_button():
    rush = make_rush(5)
    claim(rush.window, *rush.applicants)
    shown = page(rush.window, rush.office.decider)
    assert "Claims over time" in shown
    assert "highest: 5 claims" in shown
    assert "data-claim>" not in shown
    other = make_actor(make_organization("government"), "reviewer")
    assert "The newest 100 answers" not in page(rush.window, other)


def test_drafts_are_their_offices_own_and_strangers_log_in():
    office, window = make_window(opened=False)
    outsider = make_actor(make_organization("enterprise"), "enterprise_applicant")
    assert browser(outsider).get(f"/windows/{window.pk}").status_code == 404
    assert browser(office.drafter).get(f"/windows/{window.pk}").status_code == 200
    assert browser(None).get(f"/windows/{window.pk}").status_code == 302


def test_more_claims_ask_no_more_queries():
    rush = make_rush(9)
    client = browser(rush.office.decider)
    claim(rush.window, *rush.applicants[:2])

    def queries() -> int:
        client.get(f"/windows/{rush.window.pk}")
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/windows/{rush.window.pk}")
        return len(captured)

    before = queries()
    claim(rush.window, *rush.applicants[2:])
    assert queries() == before


def test_windows_are_listed_for_enterprises_and_their_own_office():
    rush = make_rush(1)
    link = f'href="/windows/{rush.window.pk}"'
    assert link in browser(rush.applicants[0]).get("/enterprise").content.decode()
    assert link in browser(rush.office.decider).get("/officer").content.decode()
    other, _window = make_window()
    assert link not in browser(other.decider).get("/officer").content.decode()


def test_live_says_what_the_ledger_holds_and_nothing_claimable_while_somebody_waits():
    rush = make_rush(3, tranche_fen=1_500_00, remainder="whole")
    client = browser(rush.applicants[0])
    live = client.get(f"/api/v1/claim-windows/{rush.window.pk}/live").json()
    assert (live["phase"], live["claimable_fen"], live["remaining_fen"]) == (
        "running",
        1_500_00,
        1_500_00,
    )
    claim(rush.window, *rush.applicants)
    live = client.get(f"/api/v1/claim-windows/{rush.window.pk}/live").json()
    assert (live["claimable_fen"], live["remaining_fen"], live["waiting"]) == (0, 500_00, 2)


def test_from_admission_to_answer_over_http():
    _office, window = make_window()
    actor = make_actor(make_organization("enterprise"), "enterprise_applicant")
    client = browser(actor)
    given = client.post(
        f"/api/v1/claim-windows/{window.pk}/admissions", {}, content_type="application/json"
    )
    assert given.status_code == 201, given.content
    answer = client.post(
        f"/api/v1/claim-windows/{window.pk}/claims",
        {},
        content_type="application/json",
        headers={"Authorization": f"Claim {given.json()['token']}", "Idempotency-Key": "k"},
    )
    assert (answer.status_code, answer.json()["state"]) == (201, "granted")
    mine = client.get(f"/api/v1/claim-windows/{window.pk}/my-answer").json()
    assert (mine["place"], mine["voucher"]) == (1, None)
    back = client.post(f"/api/v1/claim-windows/{window.pk}/give-back")
    assert back.json()["state"] == "given_back"
    stranger = admit(window)
    assert browser(stranger).get(f"/api/v1/claim-windows/{window.pk}/my-answer").status_code == 404
