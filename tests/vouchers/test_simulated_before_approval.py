"""Terms that replace others are approved with passing examples and a simulation attached."""

import json
from datetime import date, timedelta

import pytest
from django.db import Error, connection, transaction

from audit.decisions import StaleState
from tests.factories import NOW
from tests.vouchers.office import (
    FIFTH,
    Office,
    apply,
    draft,
    make_applicant,
    make_office,
    make_programme,
    organization_of,
)
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.ask_every_programme import ask_every_programme, replayed
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.actions.simulate_version import simulate_version, write_test_case
from vouchers.models import PolicyVersion, Programme
from vouchers.refusals import NotSimulated, TermsRefused

pytestmark = pytest.mark.django_db

CSV = (
    "enterprise,on,contract_amount_fen,size,registered_adcode\n"
    "A,2026-01-05,4000000,small,131002\n"
    "B,2026-02-05,2999999,micro,131003\n"
    "B,2026-02-06,3000000,micro,131003\n"
)
TENTH = document(
    rate_line("0.1"),
    caps=[year_cap(1 * WAN)],
    minimums={"spend": [{"fact": "contract_amount_fen", "amount_fen": 3 * WAN}]},
)


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def programme(office: Office) -> Programme:
    return make_programme(office, FIFTH)


@pytest.fixture
def version(office: Office, programme: Programme) -> PolicyVersion:
    drafted = draft_policy_version(
        programme=programme, terms=TENTH, effective_from=NOW, actor=office.drafter, at=NOW
    )
    submit_policy_version(version=drafted, actor=office.drafter, at=NOW)
    return approve_policy_version(version=drafted, actor=office.approver_1, at=NOW)


def example(office: Office, version: PolicyVersion, fen: int, *, name: str = "one") -> bool:
    return write_test_case(
        version=version,
        name=name,
        facts={"contract_amount_fen": 5 * WAN},
        asked_at=NOW,
        expected_fen=fen,
        actor=office.drafter,
        at=NOW,
    ).passes


def simulate(office: Office, version: PolicyVersion, text: str = CSV):
    return simulate_version(
        version=version, data_set="last year", csv_text=text, actor=office.drafter, at=NOW
    )


def test_a_replacement_waits_for_examples_and_a_simulation(
    office: Office, version: PolicyVersion
) -> None:
    def approve() -> PolicyVersion:
        return approve_policy_version(version=version, actor=office.approver_2, at=NOW)

    with pytest.raises(NotSimulated, match="a simulation, test cases"):
        approve()
    assert example(office, version, 5 * WAN // 10)
    with pytest.raises(NotSimulated, match="a simulation"):
        approve()
    simulate(office, version)
    assert approve().state == "approved"
    with pytest.raises(StaleState):
        simulate(office, version)


def test_the_first_terms_of_a_programme_wait_for_them_too(office: Office) -> None:
    version = draft(office)
    submit_policy_version(version=version, actor=office.drafter, at=NOW)
    approve_policy_version(version=version, actor=office.approver_1, at=NOW)
    with pytest.raises(NotSimulated, match="a simulation, test cases"):
        approve_policy_version(version=version, actor=office.approver_2, at=NOW)
    assert example(office, version, 1 * WAN)
    simulate(office, version)
    assert (
        approve_policy_version(version=version, actor=office.approver_2, at=NOW).state == "approved"
    )


def test_one_failing_example_is_enough_to_stop_it(office: Office, version: PolicyVersion) -> None:
    assert example(office, version, 5 * WAN // 10)
    assert not example(office, version, 5 * WAN // 10 + 1, name="a fen too much")
    simulate(office, version)
    with pytest.raises(NotSimulated, match="all pass"):
        approve_policy_version(version=version, actor=office.approver_2, at=NOW)


def test_the_database_refuses_it_too(office: Office, version: PolicyVersion) -> None:
    approve = (
        "UPDATE vouchers_policyversion SET state = 'approved', approved_by_2_id = %s,"
        " approved_at = %s, effective_from = %s WHERE id = %s"
    )
    signed = [office.approver_2.person_id, NOW, NOW, version.pk]
    with (
        pytest.raises(Error, match="no simulation"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(approve, signed)
    example(office, version, 5 * WAN // 10)
    simulate(office, version)
    with connection.cursor() as cursor:
        cursor.execute(approve, signed)
        assert cursor.rowcount == 1


def test_the_report_says_cost_losers_cliffs_and_sensitivity(
    office: Office, version: PolicyVersion
) -> None:
    report = simulate(office, version).report
    assert report["cost_fen"] == 400_000 + 300_000
    assert report["cost_by_month"] == {"2026-01": 400_000, "2026-02": 300_000}
    assert report["by_size"] == {"micro": 300_000, "small": 400_000}
    assert report["by_district"] == {"131002": 400_000, "131003": 300_000}
    # Today a fifth: A 800,000 and B capped at 1,000,000.
    against = report["against_current"]
    assert (against["losers"], against["winners"]) == (2, 0)
    assert against["change_fen"] == 700_000 - 1_800_000
    assert against["lose_most"][0] == {"enterprise": "B", "change_fen": -700_000}
    (cliff,) = report["cliffs"]
    assert (cliff["at_fen"], cliff["below"], cliff["above"]) == (3 * WAN, 1, 1)
    turned = {each["pointer"]: each for each in report["sensitivity"]}
    assert turned["/benefit/lines/0/rate"]["tenth_more_fen"] == 70_000
    # A tenth less to spend lets 2,999,999 in; a tenth more shuts 3,000,000 out.
    assert turned["/minimums/spend/0/amount_fen"]["tenth_less_fen"] == 299_999
    assert turned["/minimums/spend/0/amount_fen"]["tenth_more_fen"] == -300_000
    assert turned["/caps/0/amount_fen"]["tenth_less_fen"] == 0


def test_recorded_applications_are_a_data_set(
    office: Office, programme: Programme, version: PolicyVersion
) -> None:
    apply(programme, make_applicant(), contract_fen=3 * WAN)
    run = simulate_version(
        version=version,
        data_set="march",
        period=(date(2026, 3, 1), date(2026, 4, 1)),
        actor=office.drafter,
        at=NOW + timedelta(days=1),
    )
    assert (run.claims, run.cost_fen) == (1, 300_000)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("enterprise,contract_amount_fen\nA,1\n", "on"),
        ("enterprise,on,contract_amount_cny\nA,2026-01-01,1\n", "contract_amount_cny"),
        ("enterprise,on,contract_amount_fen\nA,2026-01-01,1.5\n", "row 2"),
        ("enterprise,on,contract_amount_fen\nA,2026-13-01,1\n", "row 2"),
        ("enterprise,on,contract_amount_fen\n", "data"),
        ("enterprise,on\nA,2026-01-01\n", "contract_amount_fen"),
    ],
)
def test_bad_data_is_refused_by_column_or_row(
    office: Office, version: PolicyVersion, text: str, field: str
) -> None:
    with pytest.raises(TermsRefused) as refusal:
        simulate(office, version, text)
    assert refusal.value.field == field


def test_every_programme_answers_at_once_and_the_answer_replays(office: Office) -> None:
    small = document(rate_line("0.1"), stacking={"excludes": ["big"]})
    big = document(rate_line("0.3"))
    rest = document(rate_line("0.05"))
    for name, terms in (("small", small), ("big", big), ("rest", rest)):
        terms["programme"] = {"id": name, "name_zh": name}
        make_programme(office, terms)
    applicant = make_applicant()
    answer = ask_every_programme(
        enterprise=organization_of(applicant),
        facts={"contract_amount_fen": 10 * WAN},
        actor=applicant,
        at=NOW,
    )
    told = json.loads(answer.answer)
    assert answer.best_fen == 350 * WAN // 100
    assert [each["id"] for each in told["best"]["amounts"]] == ["big", "rest"]
    assert told["runner_up"]["total_fen"] == 150 * WAN // 100
    assert told["conflicts"] == [["big", "small"]]
    assert replayed(answer) == answer.answer
    # A year later other terms hold, and the old question still has its old answer.
    make_programme(office, document(rate_line("0.9")))
    assert replayed(answer) == answer.answer
