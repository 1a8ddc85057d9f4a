"""The lane answers as DRF answers, keeps answering when things go wrong, and never twice."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from audit.decisions import Actor
from marketplace.asgi import django_application
from marketplace.lane.app import ClaimLane
from marketplace.lane.batcher import Batcher, LaneFull
from marketplace.lane.database import LaneConnection, NothingDone, OutcomeUnknown
from tests.marketplace.doors import Heard, Knock, knock_at, stop, through_drf, through_lane
from tests.vouchers.test_races import violations
from tests.vouchers.windows import (
    FACE_FEN,
    Rush,
    admit,
    asked,
    make_rush,
    make_window,
    remaining_fen,
    states,
)
from treasury.actions.freeze_envelope import freeze_envelope
from vouchers.claiming.claim_token import ClaimToken
from vouchers.models import ClaimWindow
from vouchers.queries import claim_clock

pytestmark = pytest.mark.django_db(transaction=True)


def token(window: ClaimWindow, actor: Actor, *, seconds: int = 600) -> str:
    expires = int(claim_clock().timestamp()) + seconds
    assert actor.organization_id
    return ClaimToken(window.pk, actor.organization_id, actor.person_id or 0, expires).signed()


def knock(window: ClaimWindow, actor: Actor, **more: Any) -> Knock:
    return Knock(window.pk, token(window, actor), **more)


def amount(value: Any) -> bytes:
    return json.dumps({"amount_fen": value}).encode()


def cases(rush: Rush) -> dict[str, Knock]:
    """The same story for each door, on windows of its own."""
    window, (one, two, three, four) = rush.window, rush.applicants
    stranger = make_rush(1, office=rush.office).applicants[0]
    _office, early = make_window(office=rush.office, starts_in=timedelta(hours=1))
    _office, over = make_window(office=rush.office, starts_in=timedelta(hours=-1))
    eager, late = admit(early), admit(over)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE vouchers_claimwindow SET closes_at = now() - interval '1 s' WHERE id = %s",
            [over.pk],
        )
        cursor.execute("SET session_replication_role = origin")
    suspended = make_rush(1)
    freeze_envelope(
        envelope=suspended.window.envelope,
        reason="test",
        actor=suspended.office.city.budget_officer,
        at=claim_clock(),
    )
    good = token(window, one)
    return {
        "granted": knock(window, one, body=amount(FACE_FEN)),
        "granted again": knock(window, one, body=amount(FACE_FEN)),
        "same key, other body": knock(window, one, body=amount(FACE_FEN - 1)),
        "same key, other body, in Chinese": knock(window, one, body=b"{}", language="zh-hans"),
        "a colleague's key": knock(window, one, key="colleague"),
        "an empty object as text": knock(window, two, body=b"{}", content_type="text/plain"),
        "nothing at all": knock(window, two),
        "amount as text": knock(window, three, body=amount(str(FACE_FEN))),
        "unknown fields are ignored": knock(window, three, key="k2", body=b'{"color": "red"}'),
        "zero": knock(window, four, body=amount(0)),
        "negative": knock(window, four, body=amount(-1)),
        "beyond 2^53": knock(window, four, body=amount(2**53)),
        "a fraction": knock(window, four, body=amount(1.5)),
        "null": knock(window, four, body=amount(None)),
        "true": knock(window, four, body=amount(True)),
        "beyond the admission": knock(window, four, body=amount(FACE_FEN + 1)),
        "a list": knock(window, four, body=b"[]"),
        "not JSON": knock(window, four, body=b"{amount"),
        "a form": knock(window, four, body=b"amount_fen=5", content_type="text/plain"),
        "a long body": knock(window, four, body=amount("1" * 6000)),
        "waiting": knock(window, four),
        "no token": Knock(window.pk, None),
        "no token, in Chinese": Knock(window.pk, None, language="zh-hans"),
        "forged": Knock(window.pk, good[:-1] + ("a" if good[-1] != "a" else "b")),
        "nonsense": Knock(window.pk, "x"),
        "another window's": Knock(early.pk, good),
        "expired": Knock(window.pk, token(window, one, seconds=-1)),
        "no key": knock(window, one, key=None),
        "a key too long": knock(window, one, key="k" * 201),
        "not admitted": knock(window, stranger),
        "not admitted, in Chinese": knock(window, stranger, language="zh-hans"),
        "too early": knock(early, eager),
        "too late": knock(over, late),
        "suspended": knock(suspended.window, suspended.applicants[0]),
    }


@pytest.mark.slow
def test_both_doors_answer_every_case_alike():
    by_drf, by_lane = cases(make_rush(4)), cases(make_rush(4))
    drf = dict(zip(by_drf, through_drf(list(by_drf.values())), strict=True))
    lane = dict(zip(by_lane, through_lane(list(by_lane.values())), strict=True))
    different = {
        name: (drf[name].essence, lane[name].essence)
        for name in drf
        if drf[name].essence != lane[name].essence
    }
    assert different == {}
    assert {name: heard.status for name, heard in drf.items() if heard.status < 300} == {
        "granted": 201,
        "granted again": 200,
        "a colleague's key": 200,
        "nothing at all": 201,
        "amount as text": 201,
        "unknown fields are ignored": 200,
        "waiting": 201,
    }
    assert violations() == []


def test_a_rush_through_the_lane_sells_the_last_fen_once_and_answers_everybody():
    rush = make_rush(30, tranche_fen=7 * FACE_FEN + 1)
    knocks = [knock(rush.window, actor, key=f"k{n}") for n, actor in enumerate(rush.applicants)]
    heard = through_lane([*knocks, *knocks], at_once=True)
    assert {each.status for each in heard} == {200, 201}
    first, again = heard[: len(knocks)], heard[len(knocks) :]
    assert [each.body for each in first] == [each.body for each in again]
    granted = [each.body["granted_fen"] or 0 for each in first]
    assert sum(granted) == 7 * FACE_FEN + 1
    assert remaining_fen(rush.window) == 0
    assert states(rush.window) == ["granted"] * 8 + ["waiting"] * 22
    assert violations() == []


def test_a_full_lane_says_come_again_and_records_nothing():
    rush = make_rush(3)

    async def overfill() -> list[Any]:
        batcher = Batcher(rush.window.pk, most_waiting=2)
        taken = [batcher.submit(asked(actor)) for actor in rush.applicants[:2]]
        with pytest.raises(LaneFull):
            batcher.submit(asked(rush.applicants[2]))
        answers = await asyncio.gather(*taken)
        await batcher.drain()
        return answers

    assert [each.state for each in asyncio.run(overfill())] == ["granted", "granted"]
    assert rush.window.answers.count() == 2


def refused_by(monkeypatch, error: Exception, actor_knock: Knock) -> Heard:
    async def fail(*_arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(LaneConnection, "answer", fail)
    (heard,) = through_lane([actor_knock])
    monkeypatch.undo()
    return heard


def test_what_the_lane_cannot_do_is_a_problem_with_a_time_to_come_back(monkeypatch):
    rush = make_rush(1)
    mine = knock(rush.window, rush.applicants[0])
    down = refused_by(monkeypatch, NothingDone(), mine)
    assert (down.status, down.body["code"]) == (503, "database_unavailable")
    lost = refused_by(monkeypatch, OutcomeUnknown(), mine)
    assert (lost.status, lost.body["code"]) == (503, "outcome_unknown")
    monkeypatch.setattr(Batcher, "submit", lambda *_given: (_ for _ in ()).throw(LaneFull()))
    (full,) = through_lane([mine])
    assert (full.status, full.body["code"]) == (429, "throttled")
    assert {each.headers["retry-after"] for each in (down, lost, full)} == {"1"}
    assert not rush.window.answers.exists()


def test_a_connection_lost_mid_batch_is_unknown_and_the_key_finds_out():
    """The batch waits on the window's lock when its backend is killed: nothing was committed."""
    rush = make_rush(2)
    knocks = [knock(rush.window, actor) for actor in rush.applicants]

    async def go(holder: psycopg.AsyncConnection) -> tuple[list[Heard], list[Heard]]:
        lane = ClaimLane(django_application)
        await lane._ask_clock()
        await holder.execute("SELECT 1 FROM vouchers_claimwindow FOR UPDATE")
        waiting = [asyncio.create_task(knock_at(lane, each)) for each in knocks]
        killed = 0
        while not killed:
            await asyncio.sleep(0.02)
            found = await holder.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND query LIKE '%vouchers_claim_batch%'"
                " AND datname = current_database()"
            )
            ((killed,),) = await found.fetchall()
        lost = [await each for each in waiting[:1]]
        await holder.rollback()
        rest = [await each for each in waiting[1:]]
        again = [await knock_at(lane, each) for each in knocks]
        await stop(lane)
        return lost + rest, again

    async def with_holder() -> tuple[list[Heard], list[Heard]]:
        lane_side = LaneConnection()
        opened = await lane_side._open()
        await opened.set_autocommit(False)
        try:
            return await go(opened)
        finally:
            await opened.close()

    lost, again = asyncio.run(with_holder())
    assert lost[0].body["code"] == "outcome_unknown"
    assert [each.body["state"] for each in again] == ["granted", "granted"]
    assert rush.window.answers.count() == 2
    assert remaining_fen(rush.window) == FACE_FEN
    assert violations() == []


def test_one_claim_the_database_throws_out_fails_no_neighbor():
    rush = make_rush(3)
    one, two, three = rush.applicants
    poison = asked(two, key="k" * 150 + "\x00")  # PostgreSQL takes no NUL in a text

    async def go() -> list[Any]:
        batcher = Batcher(rush.window.pk)
        taken = [batcher.submit(each) for each in (asked(one), poison, asked(three))]
        answers = await asyncio.gather(*taken, return_exceptions=True)
        await batcher.drain()
        return answers

    first, refused, last = asyncio.run(go())
    assert (first.state, last.state) == ("granted", "granted")
    assert isinstance(refused, NothingDone)
    assert states(rush.window) == ["granted", "granted"]


def test_a_host_whose_wall_clock_is_wrong_takes_and_refuses_the_same_tokens(monkeypatch):
    rush = make_rush(2)
    fresh = knock(rush.window, rush.applicants[0])
    stale = Knock(rush.window.pk, token(rush.window, rush.applicants[1], seconds=-1))
    monkeypatch.setattr("time.time", lambda: 0.0)  # 1970
    heard = through_lane([fresh, stale])
    assert [each.status for each in heard] == [201, 401]
    assert heard[1].body["code"] == "token_expired"
