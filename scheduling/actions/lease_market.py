"""One planner a market at a time, fenced by a token."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from scheduling.models import MatchingLease, MatchRun
from scheduling.refusals import LeaseLost, MarketIsBeingPlanned

LEASE = timedelta(minutes=5)

_SESSION = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_HOLD = "SELECT token FROM scheduling_matchinglease WHERE market = %s FOR KEY SHARE"
# A start that is hidden from us (another database role) counts as the holder's own.
_LIVES = """
SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                WHERE pid = %s AND (backend_start IS NULL OR backend_start = %s))
"""


@transaction.atomic
def lease_market(*, market: str, at: datetime, tied: bool = True) -> int:
    """Take the lease of `market` and return its token; runs of older tokens are abandoned.

    A lease is free when it ran out, or at once when the database session of its holder is gone (a
    killed worker). `tied=False` ties it to no session: its holders are several workers. Raises
    MarketIsBeingPlanned while another holder's lease runs.
    """
    MatchingLease.objects.get_or_create(market=market)
    lease = MatchingLease.objects.select_for_update(skip_locked=True).filter(market=market).first()
    if lease is None:  # somebody is committing under it this moment
        raise MarketIsBeingPlanned(market=market, expires_at="–")
    if lease.expires_at is not None and lease.expires_at > at and not _holder_is_gone(lease):
        raise MarketIsBeingPlanned(market=market, expires_at=lease.expires_at.isoformat())
    lease.token += 1
    lease.expires_at = at + LEASE
    lease.backend_pid, lease.backend_started_at = _session() if tied else (None, None)
    lease.save()
    MatchRun.objects.filter(market=market, state="running").update(
        state="abandoned", finished_at=at, error="the worker was lost; its lease ran out"
    )
    return lease.token


def renew_lease(*, market: str, token: int, at: datetime) -> None:
    """Prolong a lease while its holder works. Raises LeaseLost if `token` is not the newest."""
    held = MatchingLease.objects.filter(market=market, token=token, expires_at__isnull=False)
    if not held.update(expires_at=at + LEASE):
        raise LeaseLost(market=market)


def hold_lease(*, market: str, token: int) -> None:
    """Let nobody else take the lease until the transaction ends.

    A key share lock: shards of one plan commit side by side and heartbeats pass, but a new holder,
    who must lock the row outright, has to wait. Raises LeaseLost if `token` is not the newest.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [market])
        held = cursor.fetchone()
    if held is None or held[0] != token:
        raise LeaseLost(market=market)


def end_lease(*, market: str, token: int) -> None:
    """Let the next planner in."""
    MatchingLease.objects.filter(market=market, token=token).update(expires_at=None)


def _session() -> tuple[int, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
        pid, started_at = cursor.fetchone()
    return pid, started_at


def _holder_is_gone(lease: MatchingLease) -> bool:
    if lease.backend_pid is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_LIVES, [lease.backend_pid, lease.backend_started_at])
        return not cursor.fetchone()[0]
