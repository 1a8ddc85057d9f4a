"""A claim window: opened by two, answers in order, never a fen more than it holds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from audit.chain import verify_chain
from audit.decisions import Invalid, NotFound, Refusal, SamePerson, StaleState
from audit.rights import grant_application_role
from ledger.models import Account
from tests.ledger.test_the_application_role import as_application
from tests.vouchers.office import reserve
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_races import violations
from tests.vouchers.windows import (
    FACE_FEN,
    admit,
    answer_of,
    asked,
    claim,
    make_rush,
    make_window,
    remaining_fen,
    set_claim_clock,
    states,
)
from treasury.actions.freeze_envelope import freeze_envelope
from treasury.queries import envelope_figures
from treasury.refusals import EnvelopeExhausted
from vouchers.actions.answer_claims import answer_claims
from vouchers.actions.close_window import close_window
from vouchers.actions.fund_window import top_up_window
from vouchers.actions.give_back_grant import give_back_grant
from vouchers.actions.make_out_vouchers import make_out_vouchers
from vouchers.actions.open_window import open_window
from vouchers.models import ClaimWindow, Voucher
from vouchers.refusals import (
    BeyondAdmission,
    GrantInUse,
    NotAdmitted,
    NotEntitled,
    WindowNotOpenYet,
    WindowOver,
    WindowStillRuns,
    WindowSuspended,
)

pytestmark = pytest.mark.django_db


def codes(answers) -> list[str]:
    return [each.code if isinstance(each, Refusal) else each.state for each in answers]


# opening


def test_opening_sets_the_tranche_aside_and_opening_twice_is_refused():
    office, window = make_window()
    with pytest.raises(StaleState):
        open_window(window=window, actor=office.approver_2, at=timezone.now())
    figures = envelope_figures(window.envelope)
    assert remaining_fen(window) == 3 * FACE_FEN
    assert figures.committed_fen == 3 * FACE_FEN
    assert figures.available_fen == 100 * WAN - 3 * FACE_FEN
    assert figures.unaccounted_fen == 0


def test_nobody_opens_the_window_they_drafted():
    office, window = make_window(opened=False)
    with pytest.raises(IntegrityError, match="nobody_opens"), transaction.atomic():
        ClaimWindow.objects.filter(pk=window.pk).update(opened_by=window.drafted_by_id)
    both = type(office.drafter)(
        office.drafter.person_id,
        office.drafter.organization_id,
        "both",
        frozenset({"policy_drafter", "policy_approver"}),
    )
    with pytest.raises(SamePerson):
        open_window(window=window, actor=both, at=timezone.now())


def test_a_tranche_beyond_the_envelope_opens_nothing():
    office, window = make_window(opened=False, tranche_fen=100 * WAN + 1)
    with pytest.raises(EnvelopeExhausted):
        open_window(window=window, actor=office.approver_1, at=timezone.now())
    window.refresh_from_db()
    assert window.state == "drafted"
    assert envelope_figures(window.envelope).committed_fen == 0


@pytest.mark.parametrize(
    "change",
    [
        "face_fen = 1",
        "closes_at = closes_at + interval '1 day'",
        "tranche_fen = 1",
        "state = 'drafted'",
    ],
)
def test_what_was_announced_stays_also_for_a_shell(change):
    _office, window = make_window()
    change_it = f"UPDATE vouchers_claimwindow SET {change} WHERE id = %s"
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        connection.cursor().execute(change_it, [window.pk])
    assert "announced" in str(refused.value) or "Invalid transition" in str(refused.value)


# answering


def test_first_come_first_served_and_the_rest_wait_in_order():
    rush = make_rush(5)
    answers = claim(rush.window, *rush.applicants)
    assert [each.state for each in answers] == ["granted"] * 3 + ["waiting"] * 2
    assert [each.place for each in answers] == [1, 2, 3, 4, 5]
    assert [each.left_fen for each in answers] == [3 * FACE_FEN, 2 * FACE_FEN, FACE_FEN, 0, 0]
    assert remaining_fen(rush.window) == 0
    assert violations() == []


def test_the_same_enterprise_twice_in_a_batch_and_again_later_has_one_answer():
    rush = make_rush(2)
    one, two = rush.applicants
    answers = claim(rush.window, one, two, one)
    assert [each.replayed for each in answers] == [False, False, True]
    assert answers[0].as_dict() == answers[2].as_dict()
    (again,) = claim(rush.window, one)
    assert again.replayed
    assert again.as_dict() == answers[0].as_dict()
    (colleague,) = claim(rush.window, one, key="another click")
    assert colleague.as_dict() == answers[0].as_dict()
    assert remaining_fen(rush.window) == FACE_FEN


def test_the_same_key_with_another_body_is_refused_also_within_a_batch():
    rush = make_rush(2)
    one, two = rush.applicants
    answers = answer_claims(
        window_id=rush.window.pk, claims=[asked(one), asked(one, amount_fen=5), asked(two)]
    )
    assert codes(answers) == ["granted", "idempotency_key_reused", "granted"]
    assert codes(claim(rush.window, one, amount_fen=5)) == ["idempotency_key_reused"]
    assert remaining_fen(rush.window) == FACE_FEN


def test_bad_claims_leave_no_trace_and_spoil_no_neighbor():
    rush = make_rush(2)
    stranger = make_rush(1).applicants[0]
    one, two = rush.applicants
    answers = answer_claims(
        window_id=rush.window.pk,
        claims=[asked(stranger), asked(one, amount_fen=FACE_FEN + 1), asked(two)],
    )
    assert isinstance(answers[0], NotAdmitted)
    assert isinstance(answers[1], BeyondAdmission)
    assert answers[2].place == 1
    assert rush.window.answers.count() == 1
    (then,) = claim(rush.window, one)
    assert then.place == 2


def test_the_last_fen_is_sold_once_and_the_last_claim_gets_what_is_left():
    rush = make_rush(4, tranche_fen=3 * FACE_FEN - 1)
    answers = claim(rush.window, *rush.applicants)
    assert [each.granted_fen for each in answers] == [FACE_FEN, FACE_FEN, FACE_FEN - 1, None]
    assert answers[2].as_dict()["reason"] == "granted_what_was_left"
    assert remaining_fen(rush.window) == 0


def test_where_claims_are_met_whole_nobody_passes_the_first_who_waits():
    rush = make_rush(5, tranche_fen=3 * FACE_FEN - 1, remainder="whole")
    first = claim(rush.window, *rush.applicants[:3])
    assert [each.state for each in first] == ["granted", "granted", "waiting"]
    (small,) = claim(rush.window, rush.applicants[3], amount_fen=1)
    assert small.state == "waiting", "a later claim that would fit does not jump the queue"
    assert remaining_fen(rush.window) == FACE_FEN - 1
    assert violations() == []


def test_unknown_and_drafted_windows_are_not_there():
    _office, window = make_window(opened=False)
    actor = make_rush(1).applicants[0]
    assert isinstance(claim(window, actor)[0], NotFound)
    assert isinstance(answer_claims(window_id=2**40, claims=[asked(actor)])[0], NotFound)


def test_a_frozen_envelope_suspends_the_window():
    rush = make_rush(1)
    city = rush.office.city
    freeze_envelope(
        envelope=rush.window.envelope,
        reason="audit",
        actor=city.budget_officer,
        at=timezone.now(),
    )
    assert isinstance(claim(rush.window, *rush.applicants)[0], WindowSuspended)


def test_terms_admit_with_their_amount_and_refuse_with_their_reasons():
    _office, window = make_window(admission="terms", face_fen=None, tranche_fen=10 * WAN)
    actor = admit(window, contract_amount_fen=2 * WAN)
    admission = window.admissions.get()
    assert admission.amount_fen == 2 * WAN // 5
    assert admission.basis is not None
    (answer,) = claim(window, actor)
    assert answer.granted_fen == 2 * WAN // 5
    with pytest.raises(NotEntitled):
        admit(window, contract_amount_fen=0)
    assert violations() == []


def test_an_admission_counts_against_the_yearly_cap_until_it_is_used():
    office, first = make_window(admission="terms", face_fen=None, tranche_fen=10 * WAN)
    _office, second = make_window(
        office=office,
        programme=first.programme,
        admission="terms",
        face_fen=None,
        tranche_fen=10 * WAN,
    )
    actor = admit(first, contract_amount_fen=4 * WAN)
    admit(second, actor, contract_amount_fen=4 * WAN)
    amounts = [window.admissions.get().amount_fen for window in (first, second)]
    assert amounts == [4 * WAN // 5, 1 * WAN - 4 * WAN // 5], "a cap of 1 WAN a year"


# the clock


MIDNIGHT = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)  # 2 December, 00:00 in Shanghai


def test_a_window_opens_and_closes_at_midnight_in_shanghai_by_the_database_clock():
    _office, window = make_window(
        opens_at=MIDNIGHT,
        closes_at=MIDNIGHT + timedelta(days=1),
        at=datetime(2026, 11, 1, tzinfo=UTC),
        valid_through=date(2026, 12, 31),
    )
    actor = admit(window, at=MIDNIGHT - timedelta(days=1))
    tick = timedelta(microseconds=1)
    set_claim_clock(MIDNIGHT - tick)
    assert isinstance(claim(window, actor)[0], WindowNotOpenYet)
    set_claim_clock(MIDNIGHT)
    (answer,) = claim(window, actor)
    assert answer.arrived_at == MIDNIGHT
    late = admit(window, at=MIDNIGHT)
    set_claim_clock(MIDNIGHT + timedelta(days=1))
    assert isinstance(claim(window, late)[0], WindowOver)
    assert claim(window, actor)[0].replayed, "an answer is replayed after the end, too"
    set_claim_clock(MIDNIGHT + timedelta(days=1) - tick)
    assert claim(window, late)[0].state == "granted"


def test_should_the_clock_step_back_arrivals_still_follow_their_places():
    rush = make_rush(3)
    noon = timezone.now()
    for actor, seconds in zip(rush.applicants, (0, -30, 5), strict=True):
        set_claim_clock(noon + timedelta(seconds=seconds))
        claim(rush.window, actor)
    arrivals = list(rush.window.answers.order_by("place").values_list("arrived_at", flat=True))
    assert arrivals == sorted(arrivals)
    assert arrivals[1] == noon


# vouchers, waiting list, closing


def test_vouchers_are_made_out_once_with_their_value_and_can_be_spent():
    rush = make_rush(4)
    claim(rush.window, *rush.applicants)
    assert make_out_vouchers(window_id=rush.window.pk) == 3
    assert make_out_vouchers(window_id=rush.window.pk) == 0
    voucher = Voucher.objects.get(window_answer=answer_of(rush.window, rush.applicants[0]))
    assert voucher.face_fen == voucher.available.balance_fen == FACE_FEN
    assert (voucher.state, voucher.holder_id) == ("claimed", rush.applicants[0].organization_id)
    reserve(voucher, rush.applicants[0], 5_00, at=timezone.now())
    figures = envelope_figures(rush.window.envelope)
    assert (figures.in_vouchers_fen, figures.issued_fen) == (3 * FACE_FEN, 3 * FACE_FEN)
    assert figures.committed_fen == figures.unaccounted_fen == 0
    assert violations() == []


def test_what_is_given_back_goes_to_the_first_who_waits():
    rush = make_rush(6)
    claim(rush.window, *rush.applicants)
    make_out_vouchers(window_id=rush.window.pk)
    giver = rush.applicants[1]
    give_back_grant(answer=answer_of(rush.window, giver), actor=giver, at=timezone.now())
    assert states(rush.window) == [
        "issued",
        "given_back",
        "issued",
        "granted",
        "waiting",
        "waiting",
    ]
    before = answer_of(rush.window, rush.applicants[4])
    give_back_grant(
        answer=answer_of(rush.window, rush.applicants[3]),
        actor=rush.applicants[3],
        at=timezone.now(),
    )
    before.refresh_from_db()
    assert (before.state, before.left_fen) == ("granted", FACE_FEN)
    assert remaining_fen(rush.window) == 0
    assert violations() == []


def test_a_voucher_in_use_is_not_given_back():
    rush = make_rush(1)
    (actor,) = rush.applicants
    claim(rush.window, actor)
    make_out_vouchers(window_id=rush.window.pk)
    reserve(Voucher.objects.get(), actor, 1, at=timezone.now())
    with pytest.raises(GrantInUse):
        give_back_grant(answer=answer_of(rush.window, actor), actor=actor, at=timezone.now())


def test_a_top_up_serves_the_waiting_list_once():
    rush = make_rush(6)
    claim(rush.window, *rush.applicants)
    for _ in range(2):
        top_up_window(
            window=rush.window,
            amount_fen=2 * FACE_FEN - 1,
            reference="more",
            actor=rush.office.approver_1,
            at=timezone.now(),
        )
    amounts = list(rush.window.answers.order_by("place").values_list("granted_fen", flat=True))
    assert amounts == [FACE_FEN] * 4 + [FACE_FEN - 1, None]
    rush.window.refresh_from_db()
    assert rush.window.tranche_fen == 5 * FACE_FEN - 1
    assert violations() == []


def test_closing_makes_out_turns_away_and_gives_back_what_is_left():
    rush = make_rush(3, tranche_fen=2 * FACE_FEN + 7, remainder="whole")
    claim(rush.window, *rush.applicants)
    with pytest.raises(WindowStillRuns):
        close_window(window=rush.window, actor=rush.office.drafter, at=timezone.now())
    set_claim_clock(rush.window.closes_at)
    close_window(window=rush.window, actor=rush.office.drafter, at=timezone.now())
    assert states(rush.window) == ["issued", "issued", "turned_away"]
    figures = envelope_figures(rush.window.envelope)
    assert figures.available_fen == 100 * WAN - 2 * FACE_FEN
    assert figures.committed_fen == figures.unaccounted_fen == 0
    assert remaining_fen(rush.window) == 0
    assert violations() == []


def test_every_batch_stands_in_the_chain():
    rush = make_rush(2)
    claim(rush.window, *rush.applicants)
    make_out_vouchers(window_id=rush.window.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert verify_chain().faults == ()


def test_the_ledger_floor_is_what_holds_the_last_fen():
    """Taken out, the same over-grant by SQL goes through: nothing else was holding it."""
    rush = make_rush(1)
    window = ClaimWindow.objects.get(pk=rush.window.pk)
    overdraw = """
        SELECT vouchers_move_window_money(w, 'grant', %s, w.remaining_id, w.granted_id, %s, now())
          FROM vouchers_claimwindow w WHERE w.id = %s
    """
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="is insufficient"), transaction.atomic():
            cursor.execute(overdraw, ["once", window.tranche_fen + 1, window.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE ledger_account DROP CONSTRAINT an_account_never_falls_below_its_floor"
        )
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(overdraw, ["twice", window.tranche_fen + 1, window.pk])
    assert Account.objects.get(pk=window.remaining_id).balance_fen == -1
    assert any("window" in str(each) for each in violations())


def test_a_window_must_end_after_it_opens():
    with pytest.raises(Invalid):
        make_window(lasts=timedelta(0))


# the application's role


def test_the_application_answers_claims_and_writes_no_answer_of_its_own():
    """Whoever holds the application's password cannot insert what `vouchers_claim_batch` does."""
    _office, window = make_window()
    enterprise, other = admit(window), admit(window)
    grant_application_role()
    with as_application():
        (answer,) = claim(window, enterprise)
    assert answer.state == "granted"
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        as_application(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO vouchers_windowanswer (window_id, enterprise_id, request_key,"
            " request_hash, asked_fen, arrived_at, state)"
            " VALUES (%s, %s, 'mine', '', 1, now(), 'entered')",
            [window.pk, other.organization_id],
        )
