"""The lane answers as DRF answers, keeps answering when things go wrong, and never twice."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from audit.decisions import Actor
from tests.marketplace.doors import Knock, through_drf, through_lane
from tests.vouchers.test_races import violations
from tests.vouchers.windows import (
    FACE_FEN,
    Rush,
    admit,
    make_rush,
    make_window,
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
    ClaimWindow.objects.filter(pk=over.pk)
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
