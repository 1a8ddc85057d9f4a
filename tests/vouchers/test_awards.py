"""Zhongwei's reward to the fen, proposed by one, approved by two others, owed by the treasury."""

from datetime import date

import pytest

from audit.decisions import SYSTEM, Invalid, NotFound
from tests.factories import NOW, make_organization
from tests.treasury.test_screens import refused
from tests.vouchers.office import Office, make_office, make_programme, zhongwei
from treasury.queries import envelope_figures
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.review_award import approve_award
from vouchers.models import Programme, SubsidyAward

pytestmark = pytest.mark.django_db

YEAR = date(2025, 1, 1), date(2026, 1, 1)


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def programme(office: Office) -> Programme:
    return make_programme(office, zhongwei(), holding_fen=500_000_000)


def propose(office: Office, programme: Programme, volume_fen: int, **changed) -> SubsidyAward:
    asked = {
        "version": programme.versions.get(),
        "beneficiary": make_organization("platform"),
        "period_start": YEAR[0],
        "period_end": YEAR[1],
        "facts": {"annual_trade_volume_fen": volume_fen},
        "actor": office.decider,
        "at": NOW,
    }
    return propose_award(**{**asked, **changed})


@pytest.mark.parametrize(
    ("volume_fen", "earned_fen"),
    [
        (999_999_999, 0),  # 9,999,999.99 CNY
        (1_000_000_000, 10_000_000),  # 10,000,000.00 → 100,000.00
        (1_000_000_001, 10_000_000),
        (19_999_999_900, 199_999_999),  # one step below the cap
        (20_000_000_000, 200_000_000),  # 200,000,000.00 → 2,000,000.00
        (20_000_000_001, 200_000_000),
        (99_999_999_999, 200_000_000),
    ],
)
def test_a_year_of_trade_earns_what_zhongwei_promises(
    office: Office, programme: Programme, volume_fen: int, earned_fen: int
) -> None:
    award = propose(office, programme, volume_fen)
    assert award.amount_fen == earned_fen
    assert award.state == ("proposed" if earned_fen else "rejected")


def test_a_year_that_earns_nothing_says_which_clause_it_failed(
    office: Office, programme: Programme
) -> None:
    award = propose(office, programme, 999_999_999)
    unmet = [each for each in award.evaluation["reasons"] if each["status"] == "unmet"]
    assert unmet
    assert all(each["clause"] and each["text_zh"] and each["text_en"] for each in unmet)


def test_nobody_signs_an_award_of_a_body_they_are_tied_to(
    office: Office, programme: Programme
) -> None:
    award = propose(office, programme, 20_000_000_000)
    refused(approve_award, award.beneficiary, office.second_decider, award, award=award, at=NOW)
    approve_award(award=award, actor=office.third_decider, at=NOW)
    assert award.state == "half_approved"


def test_two_signatures_turn_an_award_into_a_payable(office: Office, programme: Programme) -> None:
    award = propose(office, programme, 20_000_000_000)
    approve_award(award=award, actor=office.second_decider, at=NOW)
    assert award.payable is None
    approve_award(award=award, actor=office.third_decider, at=NOW)
    assert award.payable is not None
    assert award.payable.amount_fen == 200_000_000
    assert programme.envelope is not None
    figures = envelope_figures(programme.envelope)
    assert (figures.available_fen, figures.earned_fen) == (300_000_000, 200_000_000)


@pytest.mark.parametrize(
    ("start", "end"),
    [YEAR, (date(2025, 12, 31), date(2026, 12, 31)), (date(2024, 6, 1), date(2025, 1, 2))],
)
def test_no_day_is_awarded_twice(
    office: Office, programme: Programme, start: date, end: date
) -> None:
    platform = make_organization("platform")
    propose(office, programme, 2_000_000_000, beneficiary=platform)
    with pytest.raises(Invalid):
        propose(
            office,
            programme,
            2_000_000_000,
            beneficiary=platform,
            period_start=start,
            period_end=end,
        )


def test_the_next_year_has_a_cap_of_its_own(office: Office, programme: Programme) -> None:
    platform = make_organization("platform")
    earned = [
        propose(
            office,
            programme,
            20_000_000_000,
            beneficiary=platform,
            period_start=date(year, 1, 1),
            period_end=date(year + 1, 1, 1),
        ).amount_fen
        for year in (2024, 2025)
    ]
    assert earned == [200_000_000, 200_000_000]


def test_half_years_share_the_cap_of_their_year(office: Office, programme: Programme) -> None:
    platform, middle = make_organization("platform"), date(2025, 7, 1)
    first = propose(office, programme, 15_000_000_000, beneficiary=platform, period_end=middle)
    second = propose(office, programme, 15_000_000_000, beneficiary=platform, period_start=middle)
    assert (first.amount_fen, second.amount_fen) == (150_000_000, 50_000_000)


def test_the_system_proposes_and_never_approves(office: Office, programme: Programme) -> None:
    award = propose(office, programme, 20_000_000_000, actor=SYSTEM)
    assert award.proposed_by is None
    with pytest.raises(Exception, match="role"):
        approve_award(award=award, actor=SYSTEM, at=NOW)


def test_an_empty_period_and_another_citys_award_are_refused(
    office: Office, programme: Programme
) -> None:
    with pytest.raises(Invalid):
        propose(office, programme, 1, period_end=YEAR[0])
    with pytest.raises(NotFound):
        propose(office, programme, 1, actor=make_office().decider)
