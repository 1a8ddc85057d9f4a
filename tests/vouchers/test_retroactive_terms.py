"""Terms for a past day: three approve them, on a written account of what they change."""

from datetime import datetime, timedelta

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from audit.decisions import Actor, Invalid, NotFound, NotPermitted, SamePerson, StaleState
from tests.factories import NOW, make_actor
from tests.vouchers.claims import CLAIMED, Case
from tests.vouchers.office import (
    Office,
    apply,
    attach_trial,
    decide,
    make_applicant,
    make_office,
    make_programme,
)
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from tests.vouchers.windows import FACE_FEN, admit, answer_of, claim, make_window
from treasury.actions.approve_payable import approve_payable
from treasury.queries import envelope_figures
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.conclude_claim import conclude_claim
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.actions.give_back_grant import give_back_grant
from vouchers.actions.raise_differences import raise_differences
from vouchers.actions.recompute_decisions import recompute_decisions
from vouchers.models import Claim, ClaimWindow, PolicyVersion, Programme, Recomputation
from vouchers.proofs import PROOFS
from vouchers.queries import version_in_force
from vouchers.refusals import NotSimulated, RecomputationIsStale

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=10)
MORE = {**CLAIMED, "benefit": document(rate_line("0.3"))["benefit"]}
LESS = {**CLAIMED, "benefit": document(rate_line("0.1"))["benefit"]}


def soon() -> datetime:
    """After what just happened by a window's clock, which is the database's."""
    return timezone.now() + timedelta(minutes=1)


@pytest.fixture
def case() -> Case:
    return Case(make_office())


def decided(case: Case) -> Claim:
    """A claim of 2 WAN, approved and owed."""
    return conclude_claim(
        claim=case.passed(), actor=case.office.decider, at=NOW + timedelta(days=6)
    )


def reach_back(
    office: Office,
    programme: Programme,
    terms: object,
    *,
    since: datetime = NOW,
    at: datetime = LATER,
) -> PolicyVersion:
    """Submitted retroactive terms with their trial."""
    version = draft_policy_version(
        programme=programme,
        terms=terms,  # type: ignore[arg-type]
        effective_from=since,
        retroactive=True,
        actor=office.drafter,
        at=at,
    )
    attach_trial(version, office.drafter.person_id)
    return submit_policy_version(version=version, actor=office.drafter, at=at)


def recompute(office: Office, version: PolicyVersion, *, at: datetime = LATER) -> Recomputation:
    return recompute_decisions(version=version, actor=office.drafter, at=at)


def approve_by_three(
    office: Office, version: PolicyVersion, *, at: datetime = LATER
) -> PolicyVersion:
    third = make_actor(office.organization, "policy_approver")
    for actor in (office.approver_1, office.approver_2, third):
        version = approve_policy_version(version=version, actor=actor, at=at)
    return version


def refused_by_the_database(sql: str, *values: object, because: str) -> None:
    with (
        pytest.raises(Error, match=because),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)


def test_a_past_day_is_refused_unless_it_is_said_to_be_retroactive(case: Case) -> None:
    with pytest.raises(Invalid) as refusal:
        draft_policy_version(
            programme=case.programme,
            terms=MORE,
            effective_from=NOW,
            actor=case.office.drafter,
            at=LATER,
        )
    assert refusal.value.field == "effective_from"


def test_retroactive_terms_need_what_they_change_and_three_people(case: Case) -> None:
    office, version = case.office, reach_back(case.office, case.programme, MORE)
    approve_policy_version(version=version, actor=office.approver_1, at=LATER)
    with pytest.raises(NotSimulated, match="recomputation"):
        approve_policy_version(version=version, actor=office.approver_2, at=LATER)
    recompute(office, version)
    approve_policy_version(version=version, actor=office.approver_2, at=LATER)
    assert version.state == "twice_approved"
    assert version_in_force(case.programme, at=LATER).number == 1
    for again in (office.approver_1, office.approver_2):
        with pytest.raises(SamePerson):
            approve_policy_version(version=version, actor=again, at=LATER)
    third = make_actor(office.organization, "policy_approver")
    approve_policy_version(version=version, actor=third, at=LATER)
    assert (version.state, version.effective_from) == ("approved", NOW)
    assert version_in_force(case.programme, at=NOW).number == 2


def test_the_database_wants_three_people_and_the_differences_too(case: Case) -> None:
    office, version = case.office, reach_back(case.office, case.programme, MORE)
    approve_policy_version(version=version, actor=office.approver_1, at=LATER)
    approve = "UPDATE vouchers_policyversion SET state = 'approved', approved_at = %s"
    second = f"{approve}, approved_by_2_id = %s WHERE id = %s"
    signed = (LATER, office.approver_2.person_id, version.pk)
    refused_by_the_database(second, *signed, because="what it changes was not computed")
    recompute(office, version)
    refused_by_the_database(second, *signed, because="after_their_approval_or_by_three")
    twice = (
        f"{approve}, approved_by_2_id = %s, approved_by_3_id = approved_by_1_id WHERE id = %s",
        f"{approve}, approved_by_2_id = %s, approved_by_3_id = drafted_by_id WHERE id = %s",
    )
    refused_by_the_database(twice[0], *signed, because="the_third_approver_is_a_third_person")
    refused_by_the_database(twice[1], *signed, because="nobody_approves_the_terms_they_drafted")
    refused_by_the_database(
        "UPDATE vouchers_policyversion SET retroactive = false WHERE id = %s",
        version.pk,
        because="what was written stays",
    )


def test_more_becomes_a_supplement_that_the_treasury_approves(case: Case) -> None:
    claim = decided(case)
    version = reach_back(case.office, case.programme, MORE)
    found = recompute(case.office, version)
    (difference,) = found.differences.all()
    assert (found.examined, found.more_fen, found.less_fen) == (1, 1 * WAN, 0)
    assert (difference.before_fen, difference.after_fen) == (2 * WAN, 3 * WAN)
    with pytest.raises(StaleState):
        raise_differences(recomputation=found, actor=case.office.decider, at=LATER)
    approve_by_three(case.office, version)
    claim.refresh_from_db()
    assert claim.amount_fen == 2 * WAN  # nothing changes silently
    raise_differences(recomputation=found, actor=case.office.decider, at=LATER)
    difference.refresh_from_db()
    assert difference.state == "owed"
    assert difference.payable is not None
    assert (difference.payable.state, difference.payable.amount_fen) == ("proposed", 1 * WAN)
    figures = envelope_figures(case.programme.envelope)
    assert (figures.earned_fen, figures.unaccounted_fen) == (3 * WAN, 0)
    assert raise_differences(recomputation=found, actor=case.office.decider, at=LATER) == []
    for actor in (case.office.second_decider, case.office.third_decider):
        approve_payable(payable=difference.payable, actor=actor, at=LATER)
    assert [violation for proof in PROOFS for violation in proof.check()] == []


def test_less_of_what_is_paid_becomes_a_recovery_case(case: Case) -> None:
    claim = decided(case)
    assert claim.payable is not None
    for actor in (case.office.second_decider, case.office.third_decider):
        approve_payable(payable=claim.payable, actor=actor, at=LATER)
    with connection.cursor() as cursor:  # paid, as if a bank had said so
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE treasury_payable SET state = 'paid' WHERE id = %s", [claim.payable_id]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    version = reach_back(case.office, case.programme, LESS)
    found = recompute(case.office, version)
    approve_by_three(case.office, version)
    (difference,) = raise_differences(recomputation=found, actor=case.office.decider, at=LATER)
    assert difference.state == "recovered"
    assert difference.recovery is not None
    assert (difference.recovery.claimed_fen, difference.recovery.cause) == (1 * WAN, "overpaid")


def test_a_voucher_and_an_unpaid_claim_are_noticed(case: Case) -> None:
    decided(case)
    version = reach_back(case.office, case.programme, LESS)
    found = recompute(case.office, version)
    approve_by_three(case.office, version)
    (difference,) = raise_differences(recomputation=found, actor=case.office.decider, at=LATER)
    assert (difference.state, difference.payable, difference.recovery) == ("noticed", None, None)


def test_an_earlier_difference_leaves_another_room_to_a_later_decision() -> None:
    office = make_office()
    programme = make_programme(office, document(rate_line("0.2"), caps=[year_cap(3 * WAN)]))
    applicant = make_applicant()
    for _ in range(2):
        decide(office, apply(programme, applicant, contract_fen=10 * WAN))
    version = reach_back(office, programme, document(rate_line("0.25"), caps=[year_cap(3 * WAN)]))
    rows = recompute(office, version).differences.order_by("pk")
    # 2 and 1 WAN under a cap of 3; a quarter gives 2.5, and leaves half a WAN.
    assert [(row.before_fen, row.after_fen) for row in rows] == [
        (2 * WAN, 25 * WAN // 10),
        (1 * WAN, 5 * WAN // 10),
    ]


def granted(**more: object) -> tuple[Office, ClaimWindow, Actor]:
    """An enterprise that a window granted a fifth of 10 WAN, at most the face value."""
    office = make_office()
    programme = make_programme(office, document(rate_line("0.2")))
    bounds: dict[str, object] = {"tranche_fen": 5 * WAN, "face_fen": None, **more}
    _, window = make_window(office=office, programme=programme, admission="terms", **bounds)
    applicant = admit(window, contract_amount_fen=10 * WAN)
    claim(window, applicant)
    return office, window, applicant


def test_a_grant_of_a_window_is_decided_again_and_noticed() -> None:
    office, window, applicant = granted()
    version = reach_back(office, window.programme, document(rate_line("0.3")), at=soon())
    found = recompute(office, version, at=soon())
    (difference,) = found.differences.all()
    answer = answer_of(window, applicant)
    assert (found.examined, found.undecidable, found.more_fen) == (1, 0, 1 * WAN)
    assert (difference.subject, difference.beneficiary) == (answer, answer.enterprise)
    assert (difference.before_fen, difference.after_fen) == (2 * WAN, 3 * WAN)
    approve_by_three(office, version, at=soon())
    (raised,) = raise_differences(recomputation=found, actor=office.decider, at=soon())
    assert (raised.state, raised.payable, raised.recovery) == ("noticed", None, None)
    assert answer_of(window, applicant).granted_fen == 2 * WAN


@pytest.mark.parametrize(
    ("bound", "before_fen", "after_fen"),
    [
        ({"face_fen": FACE_FEN}, FACE_FEN, None),  # both answers are above the face value
        ({"tranche_fen": 1 * WAN}, 1 * WAN, None),  # no more was left, and no more is given now
        ({"face_fen": 25 * WAN // 10}, 2 * WAN, 25 * WAN // 10),
    ],
)
def test_a_window_bounds_its_grants_under_new_terms_too(
    bound: dict[str, int], before_fen: int, after_fen: int | None
) -> None:
    office, window, applicant = granted(**bound)
    version = reach_back(office, window.programme, document(rate_line("0.3")), at=soon())
    found = recompute(office, version, at=soon())
    assert answer_of(window, applicant).granted_fen == before_fen
    assert (found.examined, found.undecidable) == (1, 0)
    assert [each.after_fen for each in found.differences.all()] == [after_fen][: bool(after_fen)]


def test_a_grant_given_back_is_no_decision_and_one_to_a_region_asked_no_terms() -> None:
    office, window, applicant = granted()
    give_back_grant(answer=answer_of(window, applicant), actor=applicant, at=soon())
    version = reach_back(office, window.programme, document(rate_line("0.3")), at=soon())
    assert recompute(office, version, at=soon()).examined == 0
    _, region = make_window(office=office, programme=window.programme)
    claim(region, admit(region))
    found = recompute(office, version, at=soon())
    assert (found.examined, found.undecidable, found.differences.count()) == (1, 1, 0)


def test_a_grant_of_a_window_leaves_another_room_to_a_later_decision() -> None:
    office = make_office()
    programme = make_programme(office, document(rate_line("0.2"), caps=[year_cap(3 * WAN)]))
    _, window = make_window(
        office=office, programme=programme, admission="terms", tranche_fen=5 * WAN, face_fen=None
    )
    applicant = admit(window, contract_amount_fen=10 * WAN)
    claim(window, applicant)
    decide(office, apply(programme, applicant, contract_fen=10 * WAN, at=soon()), at=soon())
    version = reach_back(
        office, programme, document(rate_line("0.25"), caps=[year_cap(3 * WAN)]), at=soon()
    )
    rows = recompute(office, version, at=soon()).differences.order_by("pk")
    assert [(row.before_fen, row.after_fen) for row in rows] == [
        (2 * WAN, 25 * WAN // 10),
        (1 * WAN, 5 * WAN // 10),
    ]


def test_what_was_decided_before_the_effective_date_stays(case: Case) -> None:
    decided(case)
    version = reach_back(case.office, case.programme, MORE, since=NOW + timedelta(seconds=1))
    assert recompute(case.office, version).examined == 0


def test_the_last_approver_signs_what_would_change_now(case: Case) -> None:
    office, version = case.office, reach_back(case.office, case.programme, MORE)
    recompute(office, version)
    for actor in (office.approver_1, office.approver_2):
        approve_policy_version(version=version, actor=actor, at=LATER)
    decided(case)
    third = make_actor(office.organization, "policy_approver")
    with pytest.raises(RecomputationIsStale):
        approve_policy_version(version=version, actor=third, at=LATER)
    recompute(office, version)
    assert approve_policy_version(version=version, actor=third, at=LATER).state == "approved"


def test_only_the_issuers_own_people_compute_and_raise(case: Case) -> None:
    version = reach_back(case.office, case.programme, MORE)
    with pytest.raises(NotPermitted):
        recompute_decisions(version=version, actor=case.claimant, at=LATER)
    with pytest.raises(NotFound):
        recompute_decisions(version=version, actor=make_office().drafter, at=LATER)
    found = recompute(case.office, version)
    with pytest.raises(NotPermitted):
        raise_differences(recomputation=found, actor=case.office.drafter, at=LATER)


def test_only_retroactive_drafts_are_recomputed(case: Case) -> None:
    plain = draft_policy_version(
        programme=case.programme,
        terms=MORE,
        effective_from=LATER,
        actor=case.office.drafter,
        at=LATER,
    )
    with pytest.raises(Invalid):
        recompute(case.office, plain)
    past = reach_back(case.office, case.programme, MORE)
    recompute(case.office, past)
    approve_by_three(case.office, past)
    with pytest.raises(StaleState):
        recompute(case.office, past)
