"""Ask the bank about a payment of unknown outcome, and keep its answer. It is never sent again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from identity.roles import Role
from treasury import policy
from treasury.models import BankEnquiry, PayoutItem
from treasury.refusals import AlreadyAsked, NotUnknown

ASKERS = (Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER)


@transaction.atomic
def enquire_item(*, item: PayoutItem, question: str, actor: Actor, at: datetime) -> BankEnquiry:
    """Record the question put to the bank about an unknown (or still unanswered) payment.

    Raises NotPermitted, NotUnknown once the outcome is known, AlreadyAsked.
    """
    policy.require_issuer(actor, item.batch.issuer, *ASKERS)
    held = PayoutItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    if held.state not in (PayoutItem.State.UNKNOWN, PayoutItem.State.SENT):
        raise NotUnknown(end_to_end_id=item.end_to_end_id, current=held.state)
    if held.enquiries.filter(answered_at__isnull=True).exists():
        raise AlreadyAsked(end_to_end_id=item.end_to_end_id)
    enquiry = BankEnquiry.objects.create(
        item=item, question=question, asked_by_id=policy.signer(actor), asked_at=at
    )
    record(
        "payout_item.enquired",
        subject=item,
        actor=actor,
        at=at,
        data={"end_to_end_id": item.end_to_end_id, "question": question},
    )
    return enquiry


@transaction.atomic
def answer_enquiry(*, enquiry: BankEnquiry, answer: str, actor: Actor, at: datetime) -> BankEnquiry:
    """Keep what the bank said. The payment itself moves only by the bank's answer file or row.

    Raises NotPermitted, StaleState when it was answered before.
    """
    policy.require_issuer(actor, enquiry.item.batch.issuer, *ASKERS)
    open_ones = BankEnquiry.objects.filter(pk=enquiry.pk, answered_at__isnull=True)
    if not open_ones.update(answer=answer, answered_by_id=actor.person_id, answered_at=at):
        raise StaleState(
            thing=BankEnquiry._meta.verbose_name_raw, current="answered", needed="unanswered"
        )
    enquiry.refresh_from_db()
    record(
        "payout_item.enquiry_answered",
        subject=enquiry.item,
        actor=actor,
        at=at,
        data={"end_to_end_id": enquiry.item.end_to_end_id, "answer": answer},
    )
    return enquiry
