"""A pool is closed for a while: nothing is sold in those hours, whatever closed it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.decisions import SYSTEM, Invalid, NotFound, NotPermitted
from audit.models import AuditEvent
from identity.roles import Role
from providers.actions.close_pool import close_pool
from providers.actions.lift_closure import lift_closure
from providers.models import Closure
from providers.queries import market_pools
from tests.factories import NOW, make_actor, make_organization
from tests.providers.supply import HOUR, make_facility, make_offer, make_pool, provider_admin

pytestmark = pytest.mark.django_db


def close(pool, *, first=1, last=2, kind="maintenance", reason="switch", actor=SYSTEM):
    return close_pool(
        pool=pool,
        kind=kind,
        starts_at=NOW + first * HOUR,
        ends_at=NOW + last * HOUR,
        reason=reason,
        actor=actor,
        at=NOW,
    )


def open_hours(hours=4):
    return [row.available for row in market_pools(at=NOW, starts_at=NOW, hours=hours)]


@pytest.mark.parametrize("kind", ["outage", "maintenance"])
def test_the_hours_it_touches_are_not_on_the_market(kind):
    close(make_offer().pool, first=1.5, kind=kind)
    assert open_hours() == [[(0, 1), (2, 4)]]


def test_a_lifted_closure_gives_the_hours_back():
    closure = close(make_offer().pool)
    lift_closure(closure=closure, actor=SYSTEM, at=NOW)
    lift_closure(closure=closure, actor=SYSTEM, at=NOW + HOUR)
    assert open_hours() == [None]
    closure.refresh_from_db()
    assert closure.lifted_at == NOW
    assert AuditEvent.objects.filter(kind="pool.reopened").count() == 1


def test_an_outage_may_have_begun_and_needs_no_reason_but_maintenance_does():
    pool = make_pool()
    assert close(pool, first=-1, last=1, kind="outage", reason="").kind == "outage"
    for wrong in ({"first": -1}, {"reason": ""}):
        with pytest.raises(Invalid):
            close(pool, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"last": 1}, {"first": -3, "last": -2, "kind": "outage"}, {"kind": "holiday"}]
)
def test_refuses_no_length_the_past_and_an_unknown_kind(wrong):
    with pytest.raises(Invalid):
        close(make_pool(), **wrong)


def test_maintenance_does_not_overlap_maintenance_that_stands():
    pool = make_pool()
    first = close(pool, last=3)
    with pytest.raises(Invalid):
        close(pool, first=2, last=4)
    close(pool, first=2, last=4, kind="outage")
    lift_closure(closure=first, actor=SYSTEM, at=NOW)
    close(pool, first=2, last=4)


def test_a_provider_closes_its_own_pools_and_an_operator_of_a_platform_any():
    pool = make_pool()
    close(pool, actor=provider_admin(pool.facility))
    with pytest.raises(NotFound):
        close(pool, first=5, last=6, actor=provider_admin(make_facility()))
    with pytest.raises(NotPermitted):
        close(
            pool, first=5, last=6, actor=make_actor(make_organization("government"), Role.AUDITOR)
        )
    operator = make_actor(make_organization("platform"), Role.PLATFORM_OPERATOR)
    close(pool, first=5, last=6, actor=operator)


def test_the_database_refuses_what_the_action_would():
    pool = make_pool()
    closure = close(pool)
    with pytest.raises(IntegrityError, match="maintenance_has_a_reason"), transaction.atomic():
        Closure.objects.create(
            pool=pool, kind="maintenance", period=(NOW, NOW + HOUR), declared_at=NOW
        )
    with pytest.raises(IntegrityError, match="does_not_overlap"), transaction.atomic():
        Closure.objects.create(
            pool=pool, kind="maintenance", period=closure.period, reason="x", declared_at=NOW
        )
    for statement in (
        "DELETE FROM providers_closure",
        "TRUNCATE providers_closure CASCADE",
        "UPDATE providers_closure SET reason = 'another'",
    ):
        refused = pytest.raises(DatabaseError)
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    Closure.objects.update(lifted_at=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        Closure.objects.update(lifted_at=NOW + timedelta(days=1))
