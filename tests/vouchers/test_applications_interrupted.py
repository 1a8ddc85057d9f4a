"""A supplement that stops the clock, an appeal, a withdrawal: who may do each, over HTTP."""

import pytest
from django.db import Error, connection, transaction

from audit.decisions import Actor
from tests.factories import make_actor, make_organization
from tests.vouchers.office import Office, apply, make_applicant, make_office, make_programme
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_api import get, post
from vouchers.models import Application, Programme

pytestmark = pytest.mark.django_db
WHY = {"reason": "盖章页缺失"}


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def programme(office: Office) -> Programme:
    return make_programme(office)


@pytest.fixture
def applicant() -> Actor:
    return make_applicant()


@pytest.fixture
def application(programme: Programme, applicant: Actor) -> Application:
    """Asks for a fifth of 4 WAN."""
    return apply(programme, applicant, contract_fen=4 * WAN)


def test_a_supplement_stops_the_clock_until_it_is_there(
    office: Office, applicant: Actor, application: Application
) -> None:
    where = f"/applications/{application.pk}"
    returned = post(office.reviewer, f"{where}/return", WHY)
    assert (returned["state"], returned["reason"]) == ("returned", "盖章页缺失")
    assert returned["clock_stopped_at"] is not None
    Application.objects.filter(pk=application.pk).update(
        clock_stopped_at=application.recorded_at.replace(year=2026, month=1, day=1)
    )
    post(applicant, f"{where}/supplement", {}, expect=422)
    again = post(applicant, f"{where}/supplement", {"note": "已补"})
    assert (again["state"], again["clock_stopped_at"]) == ("under_review", None)
    assert again["stopped_seconds"] > 86_400
    post(office.reviewer, f"{where}/recommend")
    assert post(office.decider, f"{where}/approve")["state"] == "approved"


@pytest.mark.parametrize(("fen", "amount_fen"), [(3 * WAN, 6_000_00), (9 * WAN, 8_000_00)])
def test_a_supplement_may_lower_an_amount_and_never_raises_it(
    office: Office, applicant: Actor, application: Application, fen: int, amount_fen: int
) -> None:
    where = f"/applications/{application.pk}"
    post(office.reviewer, f"{where}/return", WHY)
    facts = {"contract_amount_fen": fen}
    assert post(applicant, f"{where}/supplement", {"facts": facts})["amount_fen"] == amount_fen


def test_only_those_concerned_ask_answer_withdraw_and_appeal(
    office: Office, applicant: Actor, application: Application
) -> None:
    where, stranger = f"/applications/{application.pk}", make_applicant()
    elsewhere = make_actor(make_organization("government"), "reviewer")
    post(applicant, f"{where}/return", WHY, expect=403)
    post(elsewhere, f"{where}/return", WHY, expect=404)
    post(office.reviewer, f"{where}/withdraw", expect=403)
    post(stranger, f"{where}/withdraw", expect=404)
    post(applicant, f"{where}/appeal", WHY, expect=409)
    post(applicant, f"{where}/supplement", {"note": "nobody asked"}, expect=409)
    post(office.reviewer, f"{where}/return", WHY)
    assert post(applicant, f"{where}/withdraw")["state"] == "withdrawn"
    post(office.reviewer, f"{where}/recommend", expect=409)
    assert get(applicant, where)["state"] == "withdrawn"


def test_an_appeal_is_heard_by_another_and_decided_by_a_third(
    office: Office, applicant: Actor, application: Application
) -> None:
    where, yes = f"/applications/{application.pk}", {"admitted": True, "reason": "so it is"}
    post(office.reviewer, f"{where}/recommend")
    post(office.decider, f"{where}/reject", {"reason": "unclear"})
    post(office.decider, f"{where}/appeal", {"reason": "for them"}, expect=403)
    assert post(applicant, f"{where}/appeal", {"reason": "clear"})["state"] == "appealed"
    post(office.reviewer, f"{where}/hear-appeal", yes, expect=403)
    assert post(office.decider, f"{where}/hear-appeal", yes, expect=403)["code"] == "same_person"
    heard = post(office.second_decider, f"{where}/hear-appeal", yes)
    assert heard["state"] == "recommended"
    again = post(office.second_decider, f"{where}/reject", {"reason": "still"}, expect=403)
    assert again["code"] == "same_person"
    for earlier in (office.decider, office.second_decider):
        assert post(earlier, f"{where}/approve", expect=403)["code"] == "same_person"
    assert post(office.third_decider, f"{where}/approve")["state"] == "approved"


def test_a_dismissed_appeal_is_the_end(
    office: Office, applicant: Actor, application: Application
) -> None:
    where = f"/applications/{application.pk}"
    post(office.reviewer, f"{where}/reject", {"reason": "unclear"})
    post(applicant, f"{where}/appeal", {"reason": "clear"})
    no = {"admitted": False, "reason": "it is not"}
    assert post(office.decider, f"{where}/hear-appeal", no)["state"] == "rejected"
    post(applicant, f"{where}/appeal", {"reason": "still"}, expect=409)


def test_the_database_wants_another_hearer_and_a_standing_clock(
    office: Office, applicant: Actor, application: Application
) -> None:
    def refused(change: str, *values: object) -> bool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE vouchers_application SET {change} WHERE id = %s",
                    [*values, application.pk],  # type: ignore[list-item]
                )
        except Error:
            return True
        return False

    assert refused("state = 'returned'")
    assert not refused("state = 'returned', clock_stopped_at = now()")
    assert refused("heard_by_id = applied_by_id")
    assert refused("rejected_by_id = %s, heard_by_id = %s", *[office.decider.person_id] * 2)
    assert refused("reviewed_by_id = %s, heard_by_id = %s", *[office.decider.person_id] * 2)
    assert refused("heard_by_id = %s", applicant.person_id)


def test_the_database_remembers_who_rejected_when_an_appeal_is_heard(
    office: Office, applicant: Actor, application: Application
) -> None:
    def change(to: str, **people: int | None) -> None:
        columns = "".join(f", {name}_id = %s" for name in people)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE vouchers_application SET state = %s{columns} WHERE id = %s",
                [to, *people.values(), application.pk],
            )

    first, second = office.reviewer.person_id, office.decider.person_id
    where = f"/applications/{application.pk}"
    post(office.reviewer, f"{where}/reject", {"reason": "unclear"})
    with pytest.raises(Error, match="does not hear its appeal"):  # somebody else is named
        change("rejected", rejected_by=second)
    post(applicant, f"{where}/appeal", {"reason": "clear"})
    for names in ({"heard_by": first}, {"rejected_by": second, "heard_by": first}):
        with pytest.raises(Error, match="does not hear its appeal"):
            change("rejected", **names)
    change("rejected", heard_by=second)
