"""Public money over HTTP, from an empty envelope to a closed batch."""

import pytest

from ledger.models import Account
from tests.factories import make_organization
from tests.marketplace.http.conftest import Caller, make_caller
from tests.treasury.conftest import propose
from treasury.models import Envelope

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    """A city's treasury: every role another person with a key of their own."""
    organization = make_organization("government")
    roles = {
        "budget": "budget_officer",
        "budget_2": "budget_officer",
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


def done(answer, status=200):
    assert answer.status_code == status, answer.content.decode()
    return answer.json()


def open_envelope(house: dict[str, Caller], amount_fen: int = 100_000) -> int:
    budget = house["budget"]
    source = done(budget.post("funding-sources", {"name": "city line", "level": "city"}), 201)
    envelope = done(
        budget.post("envelopes", {"budget_year": 2026, "name": "v", "programme_code": "p"}), 201
    )
    appropriation = done(
        budget.post(
            "appropriations",
            {
                "envelope": envelope["id"],
                "funding_source": source["id"],
                "amount_fen": amount_fen,
            },
        ),
        201,
    )
    refused = budget.post(f"appropriations/{appropriation['id']}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "same_person")
    done(house["budget_2"].post(f"appropriations/{appropriation['id']}/approve"))
    assert done(budget.post(f"envelopes/{envelope['id']}/open"))["state"] == "open"
    return envelope["id"]


def test_from_an_empty_envelope_to_a_closed_batch(house):
    envelope_id = open_envelope(house)
    payee = make_caller("provider", "provider_admin")
    account = done(
        payee.post(
            "bank-accounts",
            {
                "organization": payee.membership.organization_id,
                "name": "中卫某某",
                "number": "622200001111",
                "bank": "Bank of Ningxia",
            },
        ),
        201,
    )
    done(house["checker"].post(f"bank-accounts/{account['id']}/verify"))
    payable = propose(
        None, Envelope.objects.get(pk=envelope_id), payee.membership.organization, 1234
    )
    done(house["finance"].post(f"payables/{payable.pk}/approve"))
    assert done(house["finance_2"].post(f"payables/{payable.pk}/approve"))["state"] == "approved"

    batch = done(house["maker"].post("payout-batches", {"payables": [payable.pk]}), 201)["id"]
    done(house["maker"].post(f"payout-batches/{batch}/freeze"))
    assert house["maker"].get(f"payout-batches/{batch}/warnings").json() == []
    assert house["maker"].post(f"payout-batches/{batch}/check").status_code == 403
    done(house["checker"].post(f"payout-batches/{batch}/check"))
    assert house["maker"].get(f"payout-batches/{batch}/file").status_code == 404
    done(house["releaser"].post(f"payout-batches/{batch}/release"))
    done(house["maker"].post(f"payout-batches/{batch}/export"))
    file = house["maker"].get(f"payout-batches/{batch}/file")
    assert file["Content-Type"].startswith("text/csv")
    assert "12.34" in file.content.decode()
    done(house["maker"].post(f"payout-batches/{batch}/mark-sent"))

    (item,) = payee.get("payout-items").json()["results"]
    answers = f"end_to_end_id,status,amount_yuan\n{item['end_to_end_id']},paid,12.34\n"
    confirmed = done(house["maker"].post(f"payout-batches/{batch}/answers", {"csv": answers}))
    assert confirmed["state"] == "confirmed"
    done(house["checker"].post(f"payout-batches/{batch}/reconcile"))
    assert done(house["checker"].post(f"payout-batches/{batch}/close"))["state"] == "closed"
    assert payee.get(f"payables/{payable.pk}").json()["state"] == "paid"
    figures = house["budget"].get(f"envelopes/{envelope_id}/figures").json()
    assert (figures["paid_fen"], figures["available_fen"]) == (1234, 98_766)


def test_a_body_naming_what_is_not_yours_is_refused_with_its_field(house):
    stranger = make_caller("government", "budget_officer", "batch_maker")
    envelope_id = open_envelope(house)
    source = stranger.post("funding-sources", {"name": "s", "level": "city"}).json()["id"]
    answer = stranger.post(
        "appropriations", {"envelope": envelope_id, "funding_source": source, "amount_fen": 1}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "envelope")
    answer = stranger.post("payout-batches", {"payables": [10**9]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "payables")


def test_a_payee_sees_its_own_and_nothing_of_the_house(house):
    envelope_id = open_envelope(house)
    envelope = Envelope.objects.get(pk=envelope_id)
    payee, other = make_caller("provider", "provider_admin"), make_caller("provider")
    payable = propose(None, envelope, payee.membership.organization, 10)
    assert [each["id"] for each in payee.get("payables").json()["results"]] == [payable.pk]
    assert other.get("payables").json()["results"] == []
    for path in ("envelopes", "appropriations", "payout-batches", "transfers", "books"):
        assert payee.get(path).json()["results"] == [], path


def test_balances_are_read_as_of_an_instant(house):
    envelope_id = open_envelope(house, 500)
    account = Account.objects.get(code=f"env:{envelope_id}:available")
    budget = house["budget"]
    now = done(budget.get(f"accounts/{account.pk}/balance"))
    assert (now["balance_fen"], now["unit"]) == (500, "CNY_FEN")
    before = done(budget.get(f"accounts/{account.pk}/balance?as_of=2020-01-01T00:00:00%2B08:00"))
    assert before["balance_fen"] == 0
    wrong = budget.get(f"accounts/{account.pk}/balance?as_of=yesterday")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "as_of")


@pytest.mark.parametrize(
    "path",
    [
        "funding-sources",
        "envelopes",
        "appropriations",
        "payables",
        "bank-accounts",
        "payout-batches",
        "payout-items",
        "books",
        "accounts",
        "transfers",
    ],
)
def test_a_list_costs_the_same_however_long_it_is(house, path, django_assert_max_num_queries):
    envelope = Envelope.objects.get(pk=open_envelope(house))
    for _ in range(3):
        propose(None, envelope, make_organization("provider"), 10)
    auditor = make_caller("government", "auditor")
    with django_assert_max_num_queries(8):
        assert auditor.get(path).status_code == 200
