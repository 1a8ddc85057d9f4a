"""A finance office over HTTP: adjustments, the bank's files, a recovery from notice to offset."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_organization
from tests.marketplace.http.conftest import make_caller
from tests.treasury.conftest import propose
from tests.treasury.test_api import done, open_envelope
from tests.treasury.test_bank import entry, notice
from treasury.models import Envelope, RecoveryCase

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    organization = make_organization("government")
    roles = {
        "budget": "budget_officer",
        "budget_2": "budget_officer",
        "budget_3": "budget_officer",
        "finance": "finance_reviewer",
        "finance_2": "finance_reviewer",
        "maker": "batch_maker",
        "checker": "batch_checker",
        "releaser": "batch_releaser",
    }
    return {
        name: make_caller("government", role, organization=organization)
        for name, role in roles.items()
    }


def paid_batch(house, envelope_id, payee, amount_fen):
    """A batch of one payable, exported and sent; its id and the payable's."""
    payable = propose(
        None, Envelope.objects.get(pk=envelope_id), payee.membership.organization, amount_fen
    )
    for name in ("finance", "finance_2"):
        done(house[name].post(f"payables/{payable.pk}/approve"))
    batch = done(house["maker"].post("payout-batches", {"payables": [payable.pk]}), 201)
    where = f"payout-batches/{batch['id']}"
    for name, verb in (("maker", "freeze"), ("checker", "check"), ("releaser", "release")):
        done(house[name].post(f"{where}/{verb}"))
    done(house["maker"].post(f"{where}/export"))
    return where, payable


def account_for(house, caller, number):
    account = done(
        caller.post(
            "bank-accounts",
            {
                "organization": caller.membership.organization_id,
                "name": "某某",
                "number": number,
                "bank": "Bank of Ningxia",
                "cnaps": "313871000007",
            },
        ),
        201,
    )
    done(house["checker"].post(f"bank-accounts/{account['id']}/verify"))


def test_a_running_budget_is_adjusted_by_three_and_forecast(house):
    envelope_id = open_envelope(house)
    source = house["budget"].get("funding-sources").json()["results"][0]["id"]
    body = {
        "kind": "add",
        "envelope": envelope_id,
        "funding_source": source,
        "amount_fen": 500,
        "reason": "council",
    }
    added = done(house["budget"].post("adjustments", body), 201)
    refused = house["budget"].post(f"adjustments/{added['id']}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "same_person")
    done(house["budget_2"].post(f"adjustments/{added['id']}/approve"))
    approved = done(house["budget_3"].post(f"adjustments/{added['id']}/approve"))
    assert approved["state"] == "approved"
    forecast = done(house["budget"].get(f"envelopes/{envelope_id}/forecast"))
    assert (forecast["left_fen"], forecast["exhaustion"]["known"]) == (100_500, False)
    assert house["budget"].post("adjustments", body | {"kind": "gift"}).status_code == 422
    assert house["budget"].post("tranches", body).json()["code"] == "invalid"


def test_the_banks_files_go_out_and_come_back(house):
    envelope_id = open_envelope(house)
    payee = make_caller("provider", "provider_admin")
    account_for(house, payee, "622200001111")
    account_for(house, house["maker"], "11110000222233")
    where, _payable = paid_batch(house, envelope_id, payee, 1234)
    xml = house["maker"].get(f"{where}/pain001")
    assert xml["Content-Type"].startswith("application/xml")
    assert b'<InstdAmt Ccy="CNY">12.34</InstdAmt>' in xml.content
    assert b"<MmbId>313871000007</MmbId>" in xml.content
    done(house["releaser"].post(f"{where}/mark-sent"))
    late = house["maker"].post(f"{where}/recall", {"reason": "too late"})
    assert (late.status_code, late.json()["code"]) == (409, "stale_state")
    item = house["maker"].get("payout-items").json()["results"][0]
    done(house["maker"].post(f"payout-items/{item['id']}/enquire", {"question": "?"}), 201)
    again = house["maker"].post(f"payout-items/{item['id']}/enquire", {"question": "?"})
    assert again.json()["code"] == "already_asked"
    bad = house["maker"].post("bank-notices", {"camt054": "<a>\n<b></a>"})
    assert (bad.status_code, bad.json()["facts"]["row"]) == (422, "2")
    text = notice(
        entry("DBIT", "12.34", item["end_to_end_id"], "D1"),
        entry("CRDT", "1.00", "NOTPROVIDED", "C1"),
    )
    read = done(house["maker"].post("bank-notices", {"camt054": text}))
    assert (read["answers"], read["suspended"][0]["amount_fen"]) == (1, 100)
    cleared = house["checker"].post(
        f"suspense-entries/{read['suspended'][0]['id']}/clear", {"explanation": "not ours"}
    )
    assert done(cleared)["state"] == "handed_over"


def test_a_recovery_from_notice_to_offset(house):
    envelope_id = open_envelope(house)
    payee = make_caller("provider", "provider_admin")
    account_for(house, payee, "622200001111")
    where, payable = paid_batch(house, envelope_id, payee, 1000)
    done(house["maker"].post(f"{where}/mark-sent"))
    item = house["maker"].get("payout-items").json()["results"][0]
    row = {"end_to_end_id": item["end_to_end_id"], "status": "paid"}
    done(house["maker"].post(f"{where}/answers", {"rows": [row]}))
    case = done(
        house["finance"].post(
            "recovery-cases",
            {"payable": payable.pk, "amount_fen": 700, "cause": "breach", "finding": "x"},
        ),
        201,
    )
    here = f"recovery-cases/{case['id']}"
    assert payee.get(here).status_code == 404
    done(house["finance"].post(f"{here}/serve-notice"))
    assert payee.get(here).status_code == 200
    done(payee.post(f"{here}/contest", {"statement": "we did"}))
    done(house["finance_2"].post(f"{here}/decide", {"upheld_fen": 500, "decision": "in part"}))
    due = (timezone.now() + timedelta(days=30)).date().isoformat()
    done(house["finance_2"].post(f"{here}/demand", {"due_date": due}))
    done(house["finance"].post(f"{here}/cash", {"amount_fen": 200, "bank_reference": "B1"}))
    owed = propose(None, Envelope.objects.get(pk=envelope_id), payee.membership.organization, 50)
    for name in ("finance", "finance_2"):
        done(house[name].post(f"payables/{owed.pk}/approve"))
    done(house["finance"].post(f"{here}/offset", {"payable": owed.pk}))
    stand = done(payee.get(f"{here}/stand"))
    assert stand["figures"]["outstanding_fen"] == 250
    assert stand["figures"]["unaccounted_fen"] == 0
    assert [each["kind"] for each in stand["receipts"]] == ["cash", "offset"]
    assert RecoveryCase.objects.get().state == "recovering"
    assert payee.post(f"{here}/cash", {"amount_fen": 1, "bank_reference": "x"}).status_code == 403
