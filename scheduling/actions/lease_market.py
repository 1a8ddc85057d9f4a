"""One planner a market at a time, fenced by a token."""

from datetime import datetime, timedelta

from django.db import transaction

from scheduling.models import MatchingLease, MatchRun
from scheduling.refusals import LeaseLost, MarketIsBeingPlanned

LEASE = timedelta(minutes=5)


@transaction.atomic
def lease_market(*, market: str, at: datetime) -> int:
    """Take the lease of `market` and return its token; runs of older tokens are abandoned.

    Raises MarketIsBeingPlanned while another holder's lease runs.
    """
    MatchingLease.objects.get_or_create(market=market)
    lease = MatchingLease.objects.select_for_update().get(market=market)
    if lease.expires_at is not None and lease.expires_at > at:
        raise MarketIsBeingPlanned(market=market, expires_at=lease.expires_at.isoformat())
    lease.token += 1
    lease.expires_at = at + LEASE
    lease.save()
    MatchRun.objects.filter(market=market, state="running").update(
        state="abandoned", finished_at=at, error="the worker was lost; its lease ran out"
    )
    return lease.token


def hold_lease(*, market: str, token: int) -> None:
    """Lock the lease until the transaction ends. Raises LeaseLost if `token` is not the newest."""
    lease = MatchingLease.objects.select_for_update().get(market=market)
    if lease.token != token:
        raise LeaseLost(market=market)


def end_lease(*, market: str, token: int) -> None:
    """Let the next planner in."""
    MatchingLease.objects.filter(market=market, token=token).update(expires_at=None)
