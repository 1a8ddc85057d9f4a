"""Celery's front desk: thin tasks around actions, safe to run twice, late, or never.

A message is only a doorbell. What is due stands in the database, and the sweep finds it.
"""

import structlog
from celery import group, shared_task
from django.utils import timezone

from audit import outbox
from audit.actions.make_checkpoint import make_checkpoint as sign_chain
from audit.decisions import SYSTEM, Refusal
from audit.refusals import NothingToCheckpoint
from marketplace.actions.award_from_books import award_from_books
from marketplace.actions.check_plausibility import check_plausibility
from marketplace.actions.verify_all_books import verify_all_books
from marketplace.reactions import HANDLERS, NAMES, QUEUE_OF
from providers.green.exact import civil_day, months_later
from providers.tasks import keep_meters_in_order, work_on_waiting_imports
from scheduling.actions.expire_placements import expire_placements
from scheduling.actions.match_waiting import match_waiting
from scheduling.actions.plan_in_shards import open_shards, plan_shard
from scheduling.actions.suggest_relocations import suggest_relocations
from scheduling.models import MatchRun
from scheduling.refusals import LeaseLost, MarketIsBeingPlanned
from treasury.actions.end_budget_years import end_budget_years as close_past_years
from treasury.actions.raise_envelope_alerts import raise_envelope_alerts as raise_alerts
from vouchers.actions.conclude_claim import conclude_due_claims
from vouchers.actions.draw_window import draw_window
from vouchers.actions.expire_due_holds import expire_due_holds
from vouchers.actions.lapse_due_vouchers import lapse_due_vouchers
from vouchers.actions.make_out_vouchers import make_out_vouchers
from vouchers.actions.review_award import conclude_due_awards
from vouchers.actions.settle_year import settle_year
from vouchers.models import YearSettlement
from vouchers.queries import lotteries_to_draw, windows_to_make_out

log = structlog.get_logger(__name__)


@shared_task(name="marketplace.sweep_outbox", queue="outbox")
def sweep_outbox() -> int:
    """Run what is due: quick reactions here, slow ones in their queue. Returns how many.

    What follows from a reaction is swept in the same go, so a chain of news needs one message.
    """
    swept = 0
    while due := outbox.sweep(NAMES, at=timezone.now()):
        for delivery_id, reaction in due:
            if reaction in QUEUE_OF:
                run_reaction.apply_async([delivery_id], queue=QUEUE_OF[reaction])
            else:
                outbox.run(delivery_id, HANDLERS, at=timezone.now())
        swept += len(due)
    return swept


@shared_task(name="marketplace.run_reaction", queue="outbox")
def run_reaction(delivery_id: int) -> bool:
    """Run one delivery; a second copy of the message finds nothing to do."""
    return outbox.run(delivery_id, HANDLERS, at=timezone.now())


@shared_task(name="marketplace.match_market", queue="matching")
def match_market(market: str = "all") -> int | None:
    """Plan what waits. While another worker plans, nothing is to be done."""
    try:
        run = match_waiting(actor=SYSTEM, at=timezone.now(), market=market)
    except (MarketIsBeingPlanned, LeaseLost) as refusal:
        log.info("matching_skipped", why=str(refusal))
        return None
    if run is not None and run.kind == MatchRun.Kind.SHARDED:
        plan_shards_of(run)
    return run.pk if run else None


def plan_shards_of(parent: MatchRun) -> None:
    """Hand the shards to the workers; whoever finishes last closes the parent."""
    group(plan_one_shard.si(shard.pk) for shard in parent.shards.all()).apply_async()


@shared_task(name="marketplace.match_in_shards", queue="matching")
def match_in_shards(market: str = "all", workers: int = 2, parts: int = 1) -> int | None:
    """Split a large market and plan its shards on as many workers as there are."""
    try:
        parent = open_shards(
            actor=SYSTEM, at=timezone.now(), market=market, workers=workers, parts=parts
        )
    except MarketIsBeingPlanned as refusal:
        log.info("matching_skipped", why=str(refusal))
        return None
    if parent is None:
        return None
    plan_shards_of(parent)
    return parent.pk


@shared_task(name="marketplace.plan_shard", queue="matching")
def plan_one_shard(run_id: int) -> str:
    """One shard of a plan; a second copy of the message finds it done."""
    run = MatchRun.objects.select_related("parent").get(pk=run_id)
    try:
        return plan_shard(run=run, actor=SYSTEM, at=timezone.now()).state
    except LeaseLost as refusal:
        log.info("shard_skipped", why=str(refusal))
        return "abandoned"


@shared_task(name="marketplace.expire_holds", queue="settlement")
def expire_holds() -> int:
    """Holds and offers whose deadline has passed give back what they held."""
    now = timezone.now()
    return expire_placements(actor=SYSTEM, at=now) + expire_due_holds(actor=SYSTEM, at=now)


@shared_task(name="marketplace.suggest_relocations", queue="matching")
def suggest_greener() -> int:
    """Power may have turned green elsewhere or later: suggest moves to those who can wait."""
    return suggest_relocations(actor=SYSTEM, at=timezone.now())


@shared_task(name="marketplace.lapse_vouchers", queue="settlement")
def lapse_vouchers() -> int:
    """Vouchers past their validity lapse to their envelope; undisputed claims and awards past
    their notice are approved. Returns how many vouchers lapsed."""
    conclude_due_claims(actor=SYSTEM, at=timezone.now())
    conclude_due_awards(actor=SYSTEM, at=timezone.now())
    return lapse_due_vouchers(actor=SYSTEM, at=timezone.now())


@shared_task(name="marketplace.work_on_imports", queue="settlement")
def work_on_imports() -> int:
    """Check uploaded files of pools and write the queued ones; one that died begins again."""
    return work_on_waiting_imports(now=timezone.now)


@shared_task(name="marketplace.serve_windows", queue="settlement")
def serve_windows() -> int:
    """Draw lotteries that are over and make out vouchers of granted claims; returns how many."""
    for window in lotteries_to_draw():
        draw_window(window=window, actor=SYSTEM, at=timezone.now())
    return sum(make_out_vouchers(window_id=pk) for pk in windows_to_make_out())


@shared_task(name="marketplace.check_last_month", queue="settlement")
def check_last_month() -> int:
    """Hold last month's sales against the meters; how many cases were raised."""
    now = timezone.now()
    month = months_later(civil_day(now).replace(day=1), -1)
    return len(check_plausibility(month=month, actor=SYSTEM, at=now))


@shared_task(name="marketplace.keep_meters", queue="settlement")
def keep_meters() -> int:
    """Months ahead for readings, and the gaps of meters."""
    return keep_meters_in_order(at=timezone.now())


@shared_task(name="marketplace.end_budget_years", queue="settlement")
def end_budget_years() -> dict[str, int]:
    """Budgets of past years close; what is left lapses to their own year."""
    return close_past_years(actor=SYSTEM, at=timezone.now())


@shared_task(name="marketplace.settle_years", queue="settlement")
def settle_years() -> int:
    """Go on with every yearly settlement that was begun and not ended; returns how many ended.

    A worker that is killed or runs out of time leaves a checkpoint; the next message goes on there.
    """
    now = timezone.now()
    begun = YearSettlement.objects.exclude(state="settled").select_related("book", "version")
    return sum(
        settle_year(settlement=each, propose=award_from_books, actor=SYSTEM, at=now).state
        == "settled"
        for each in begun.order_by("pk")
    )


@shared_task(name="marketplace.raise_envelope_alerts", queue="settlement")
def raise_envelope_alerts() -> int:
    """Budgets that are nearly or wholly promised say so, once for each threshold."""
    return raise_alerts(actor=SYSTEM, at=timezone.now())


@shared_task(name="marketplace.verify_books", queue="settlement")
def verify_books() -> bool:
    """The nightly proof; a violation is an alarm in the log and an audit event."""
    return verify_all_books(actor=SYSTEM, at=timezone.now()).sound


@shared_task(name="marketplace.make_checkpoint", queue="settlement")
def make_checkpoint() -> int | None:
    """Sign the state of the audit chain; over how many links. A refusal is an alarm in the log."""
    try:
        return sign_chain(at=timezone.now()).tree_size
    except NothingToCheckpoint:
        return None
    except Refusal as refusal:
        log.error("checkpoint_refused", code=refusal.code, why=str(refusal))
        return None
