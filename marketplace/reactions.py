"""When X happened, run Y: the only upward path. Each reaction runs exactly once for its event."""

from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from audit.decisions import SYSTEM
from audit.models import AuditEvent
from identity.models import Affiliation
from marketplace.actions.award_from_books import (
    recheck_awards_of_order,
    recheck_awards_of_parties,
)
from marketplace.actions.cancel_order import cancel_order
from marketplace.actions.charge_order import charge_order
from marketplace.actions.rerate_orders import rerate_order, rerate_orders
from marketplace.actions.send_refund import send_refund
from marketplace.models import Order, Refund
from marketplace.platform_connectors import connector_for
from providers.actions.check_rating import check_rating
from providers.models import Closure, GreenRating
from scheduling.actions.create_job import create_job
from scheduling.actions.dispatch_job import dispatch_job
from scheduling.actions.recall_job import recall_job
from scheduling.actions.withdraw_from_pool import withdraw_from_pool
from scheduling.models import Job
from treasury.models import Payable
from vouchers.actions.settle_payable import settle_payable, unsettle_payable


def prepare_job(event: AuditEvent) -> None:
    """An order was placed: prepare its hand-over."""
    order = Order.objects.select_related("allocation").get(pk=event.subject_id)
    create_job(allocation=order.allocation, actor=SYSTEM, at=timezone.now())


def hand_over_job(event: AuditEvent) -> None:
    """A job was created: hand it to its platform."""
    job = Job.objects.select_related("platform").get(pk=event.subject_id)
    dispatch_job(
        job=job,
        connector=connector_for(job.platform),
        callback_url=f"{settings.PUBLIC_BASE_URL}/api/v1/platforms/{job.platform_id}/callbacks",
        actor=SYSTEM,
        at=timezone.now(),
    )


def call_back_job(event: AuditEvent) -> None:
    """An order ended without a charge: what its platform may still be running is called back."""
    order = Order.objects.get(pk=event.subject_id)
    job = Job.objects.select_related("platform").filter(allocation=order.allocation_id).first()
    if job is not None:
        recall_job(
            job=job,
            connector=connector_for(job.platform),
            reason=event.data["reason"],
            actor=SYSTEM,
            at=timezone.now(),
        )


def withdraw_what_was_to_run(event: AuditEvent) -> None:
    """A pool was closed for a while: what was to run in it is offered elsewhere."""
    closure = Closure.objects.select_related("pool").get(pk=event.subject_id)
    withdraw_from_pool(
        pool=closure.pool,
        starts_at=closure.period.lower,
        ends_at=closure.period.upper,
        why=closure.kind,
        actor=SYSTEM,
        at=timezone.now(),
    )


def cancel_withdrawn(event: AuditEvent) -> None:
    """A pool closed under an allocation: its order ends; the workload is offered again."""
    order = Order.objects.filter(allocation=int(event.subject_id)).first()
    if order is not None:
        reason = f"withdrawn: {event.data['why']}"
        cancel_order(order=order, actor=SYSTEM, at=timezone.now(), reason=reason)


def charge_usage(event: AuditEvent) -> None:
    """A job completed: charge its usage."""
    order = Order.objects.get(allocation__job=int(event.subject_id))
    charge_order(order=order, actor=SYSTEM, at=timezone.now())


def cancel_failed(event: AuditEvent) -> None:
    """A job failed: its order ends and gives everything back."""
    order = Order.objects.get(allocation__job=int(event.subject_id))
    cancel_order(order=order, actor=SYSTEM, at=timezone.now(), reason=event.data["state"])


def cancel_lapsed(event: AuditEvent) -> None:
    """A hold ran out before any usage came: its order ends."""
    order = Order.objects.filter(redemption=int(event.subject_id)).first()
    if order is not None:
        cancel_order(order=order, actor=SYSTEM, at=timezone.now(), reason="hold expired")


def send_back_own_part(event: AuditEvent) -> None:
    """A refund was granted: the gateway sends the enterprise its part."""
    send_refund(refund=Refund.objects.get(pk=event.subject_id), actor=SYSTEM, at=timezone.now())


def recheck_awards_after_refund(event: AuditEvent) -> None:
    """What was refunded was not traded: awards that counted it are computed again."""
    refund = Refund.objects.select_related("charge").get(pk=event.subject_id)
    recheck_awards_of_order(
        order_id=refund.charge.order_id, cause=f"refund {refund.pk}", at=timezone.now()
    )


def recheck_awards_after_affiliation(event: AuditEvent) -> None:
    """Two organizations are found to belong together: awards that counted their trade are
    computed again."""
    tie = Affiliation.objects.select_related("one", "other").get(pk=event.subject_id)
    recheck_awards_of_parties(
        usccs=(tie.one.uscc, tie.other.uscc), cause=f"affiliation {tie.pk}", at=timezone.now()
    )


def settle_what_was_paid(event: AuditEvent) -> None:
    """The bank confirmed a payment: the redemption or award behind it is settled."""
    payable = Payable.objects.get(pk=event.subject_id)
    settle_payable(payable=payable, actor=SYSTEM, at=timezone.now())


def reopen_what_came_back(event: AuditEvent) -> None:
    """The bank returned a confirmed payment: what it was for is owed again."""
    payable = Payable.objects.get(pk=event.subject_id)
    unsettle_payable(payable=payable, actor=SYSTEM, at=timezone.now())


def rerate_what_rested_on_it(event: AuditEvent) -> None:
    """A rating was revoked from a date on: orders placed since are rated again."""
    rating = GreenRating.objects.get(pk=event.subject_id)
    rerate_orders(rating=rating, actor=SYSTEM, at=timezone.now())


def check_what_was_submitted(event: AuditEvent) -> None:
    """A provider submitted a rating: it is computed anew."""
    rating = GreenRating.objects.select_related("facility").get(pk=event.subject_id)
    check_rating(rating=rating, actor=SYSTEM, at=timezone.now())


def rerate_what_was_placed(event: AuditEvent) -> None:
    """An order was placed: it is rated again if the rating it rests on was revoked meanwhile."""
    rerate_order(order_id=int(event.subject_id), actor=SYSTEM, at=timezone.now())


REACTIONS: dict[str, tuple[Callable[[AuditEvent], None], ...]] = {
    "order.placed": (prepare_job, rerate_what_was_placed),
    "job.created": (hand_over_job,),
    "job.completed": (charge_usage,),
    "job.failed": (cancel_failed,),
    "redemption.lapsed": (cancel_lapsed,),
    "order.cancelled": (call_back_job,),
    "allocation.withdrawn": (cancel_withdrawn,),
    "pool.closed": (withdraw_what_was_to_run,),
    "refund.granted": (send_back_own_part, recheck_awards_after_refund),
    "affiliation.registered": (recheck_awards_after_affiliation,),
    "rating.submitted": (check_what_was_submitted,),
    "rating.revoked": (rerate_what_rested_on_it,),
    "payable.paid": (settle_what_was_paid,),
    "payable.unpaid": (reopen_what_came_back,),
    "payable.offset": (settle_what_was_paid,),
}

NAMES = {kind: tuple(each.__name__ for each in handlers) for kind, handlers in REACTIONS.items()}
HANDLERS = {each.__name__: each for handlers in REACTIONS.values() for each in handlers}
# Reactions that wait for somebody else run in a queue of their own.
QUEUE_OF = {
    "hand_over_job": "dispatch",
    "call_back_job": "dispatch",
    "send_back_own_part": "payments",
}
