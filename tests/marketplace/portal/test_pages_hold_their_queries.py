"""A page asks the database a fixed number of questions, whatever the number of rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.decisions import SYSTEM
from tests.factories import NOW
from tests.marketplace.portal.conftest import auditor, browser, provider_of
from tests.scheduling.builders import make_placement, make_platform, make_pool, make_workload
from tests.vouchers.office import apply, make_programme, make_voucher, organization_of, reserve
from vouchers.actions.load_presets import load_presets

pytestmark = pytest.mark.django_db


def queries(client, address: str) -> int:
    client.get(address)  # sessions and content types are warm afterwards
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def more_rows(spent) -> None:
    """More of everything, for the same organizations."""
    for _ in range(3):
        programme = make_programme(spent.office)
        voucher, _holder = make_voucher(
            spent.office, programme=programme, applicant=spent.applicant
        )
        reserve(voucher, spent.applicant, 5_00)
        apply(make_programme(spent.office), spent.applicant)
        pool = make_pool()
        make_placement(pool, make_workload(enterprise=organization_of(spent.applicant)))
        type(pool.facility).objects.filter(pk=pool.facility_id)
        make_platform()


@pytest.mark.parametrize("page", ["/", "/enterprise", "/auditor"])
def test_more_rows_ask_no_more(spent, page):
    client = browser(spent.applicant if page == "/enterprise" else auditor())
    make_placement(make_pool(), make_workload(enterprise=organization_of(spent.applicant)))
    before = queries(client, page)
    more_rows(spent)
    assert queries(client, page) == before


def test_a_provider_with_more_facilities_asks_no_more(spent):
    client = browser(auditor())
    make_placement(make_pool(), make_workload())
    before = queries(client, "/provider")
    more_rows(spent)
    assert queries(client, "/provider") == before


def test_an_office_asks_more_for_more_envelopes_only(spent):
    client = browser(spent.office.city.budget_officer)
    before = queries(client, "/officer")
    for _ in range(3):
        voucher, _holder = make_voucher(spent.office, programme=spent.redemption.voucher.programme)
        reserve(voucher, _holder, 5_00)
    assert queries(client, "/officer") == before


def test_the_provider_page_names_its_provider(spent):
    shown = browser(provider_of(spent.redemption)).get("/provider").content.decode()
    assert spent.redemption.provider.name in shown


def test_every_preset_is_shown_and_its_gaps_are_visible():
    load_presets(actor=SYSTEM, at=NOW)
    shown = browser(None).get("/").content.decode()
    assert "Hangzhou compute and smart vouchers (2025)" in shown
    assert "the source does not state the ceiling" in shown
