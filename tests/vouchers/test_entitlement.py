"""What am I entitled to and why: answered for the record, and again byte for byte."""

import json
from datetime import timedelta

import pytest
from django.db import Error, connection, transaction

from audit.canonical import sha256_hex
from tests.factories import NOW
from tests.vouchers.office import (
    FIFTH,
    Office,
    apply,
    decide,
    make_applicant,
    make_office,
    make_preset,
    make_programme,
    make_voucher,
    organization_of,
)
from tests.vouchers.rules.sheets import WAN, document, rate_line, shanghai
from vouchers.actions.ask_entitlement import ask_entitlement
from vouchers.actions.open_programme import open_programme
from vouchers.models import EntitlementAnswer, Programme
from vouchers.refusals import NotEntitled, ProgrammeNotActive, TermsIncomplete, TermsRefused
from vouchers.rules import Terms, replay

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return make_office()


def ask(programme: Programme, applicant, contract_fen: object = 2 * WAN, at=NOW):
    return ask_entitlement(
        programme=programme,
        enterprise=organization_of(applicant),
        facts={"contract_amount_fen": contract_fen},
        actor=applicant,
        at=at,
    )


def test_an_answer_replays_byte_for_byte_from_what_was_stored(office: Office) -> None:
    answer = ask(make_programme(office), make_applicant())
    stored = EntitlementAnswer.objects.get(pk=answer.pk)
    again = replay(json.loads(stored.evaluation), Terms.load(stored.version.terms))
    assert again.canonical_json() == stored.evaluation
    assert sha256_hex(stored.evaluation) == stored.digest == again.digest


def test_an_answer_is_never_edited(office: Office) -> None:
    answer = ask(make_programme(office), make_applicant())
    with pytest.raises(Error, match=r"never|Cannot"), transaction.atomic():
        EntitlementAnswer.objects.filter(pk=answer.pk).update(digest="0" * 64)


def test_the_answer_counts_what_was_granted_before(office: Office) -> None:
    programme, applicant = make_programme(office), make_applicant()
    assert json.loads(ask(programme, applicant).evaluation)["amount_fen"] == 2 * WAN // 5
    make_voucher(office, programme=programme, applicant=applicant)
    after = json.loads(ask(programme, applicant).evaluation)
    assert after["decision"] == "refused"
    assert [each["amount_fen"] for each in after["used"]] == [1 * WAN]


def test_a_new_year_brings_new_room(office: Office) -> None:
    """Approved in the last second of a year counts there, however late its voucher is issued."""
    programme, applicant = make_programme(office), make_applicant()
    decide(office, apply(programme, applicant), at=shanghai(2026, 12, 31, 23, 59, 59))
    old_year = json.loads(
        ask(programme, applicant, at=shanghai(2026, 12, 31, 23, 59, 59)).evaluation
    )
    new_year = json.loads(ask(programme, applicant, at=shanghai(2027, 1, 1)).evaluation)
    assert (old_year["decision"], new_year["decision"]) == ("refused", "granted")


def test_an_application_near_new_year_counts_on_the_day_it_was_approved(office: Office) -> None:
    programme, applicant = make_programme(office), make_applicant()
    application = apply(programme, applicant, at=shanghai(2026, 12, 30))
    decide(office, application, at=shanghai(2027, 1, 2))
    with pytest.raises(NotEntitled):
        apply(programme, applicant, at=shanghai(2027, 1, 3))


def test_every_wrong_fact_is_named_at_once(office: Office) -> None:
    programme, applicant = make_programme(office), make_applicant()
    with pytest.raises(TermsRefused) as refusal:
        ask_entitlement(
            programme=programme,
            enterprise=organization_of(applicant),
            facts={"contract_amount_fen": 1.5, "no_such_fact": 1},
            actor=applicant,
            at=NOW,
        )
    assert {each.field for each in refusal.value.reasons()} == {
        "contract_amount_fen",
        "no_such_fact",
    }


def test_a_registered_fact_is_not_typed_over(office: Office) -> None:
    terms = document(rate_line("0.2"), applicants={"registered_in": "131000"})
    programme, applicant = make_programme(office, terms), make_applicant()
    answer = ask_entitlement(
        programme=programme,
        enterprise=organization_of(applicant),
        facts={"contract_amount_fen": 1 * WAN, "registered_adcode": "640500"},
        actor=applicant,
        at=NOW,
    )
    stored = json.loads(answer.evaluation)
    assert stored["facts"]["registered_adcode"] == "131000"
    assert stored["decision"] == "granted"


def test_terms_hold_from_their_first_instant(office: Office) -> None:
    programme, applicant = make_programme(office), make_applicant()
    with pytest.raises(ProgrammeNotActive):
        ask(programme, applicant, at=NOW - timedelta(microseconds=1))
    assert ask(programme, applicant, at=NOW)


def open_with(office: Office, terms, *supplied):
    return open_programme(
        preset=make_preset(terms),
        issuer=office.organization,
        code="with-supplied",
        name="vouchers",
        effective_from=NOW,
        supplied=supplied,
        actor=office.drafter,
        at=NOW,
    )


def test_a_silent_source_needs_an_officer_who_names_another(office: Office) -> None:
    silent = document(rate_line(None))
    rate = {"pointer": "/benefit/lines/0/rate", "value": "0.3"}
    with pytest.raises(TermsIncomplete), transaction.atomic():
        open_with(office, silent)
    with pytest.raises(TermsRefused, match="source"), transaction.atomic():
        open_with(office, silent, {**rate, "source": " "})
    version = open_with(office, silent, {**rate, "source": "notice 7/2026"}).versions.get()
    assert version.terms["benefit"]["lines"][0]["rate"] == "0.3"
    assert version.supplied[0]["source"] == "notice 7/2026"


def test_what_the_source_states_is_not_replaced(office: Office) -> None:
    more = {"pointer": "/benefit/lines/0/rate", "value": "0.9", "source": "a friend"}
    with pytest.raises(TermsRefused):
        open_with(office, FIFTH, more)


def test_answers_are_not_emptied_through_sql(office: Office) -> None:
    with (
        pytest.raises(Error, match="never"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE vouchers_entitlementanswer CASCADE")
