"""Propose more money for a running budget, less, or some of it for another."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from treasury import policy
from treasury.models import Adjustment, Envelope, FundingSource
from treasury.proposals import require_amount
from treasury.refusals import MixedBooks

ENDED = (Envelope.State.CLOSING, Envelope.State.CLOSED)


@transaction.atomic
def propose_adjustment(
    *,
    kind: str,
    envelope: Envelope,
    amount_fen: int,
    reason: str,
    actor: Actor,
    at: datetime,
    funding_source: FundingSource | None = None,
    to_envelope: Envelope | None = None,
) -> Adjustment:
    """Propose an adjustment; `kind` is one of Adjustment.Kind. Nothing is posted yet.

    "add" and "cut" name the `funding_source` the money comes from or goes back to, "transfer" the
    `to_envelope` of the same issuer and year. Raises NotPermitted, Invalid, MixedBooks, and
    StaleState when an envelope is closing or closed.
    """
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    require_amount(amount_fen)
    if kind not in Adjustment.Kind.values:
        raise Invalid("kind", "add, cut or transfer", "须为 add、cut 或 transfer")
    if kind == Adjustment.Kind.TRANSFER:
        if to_envelope is None or to_envelope.pk == envelope.pk:
            raise Invalid("to_envelope", "name another envelope", "请指定另一个预算额度")
        if (to_envelope.issuer_id, to_envelope.book_id) != (envelope.issuer_id, envelope.book_id):
            raise MixedBooks(field="to_envelope")
        funding_source = None
    else:
        if funding_source is None or funding_source.issuer_id != envelope.issuer_id:
            raise Invalid("funding_source", "not a source of this issuer", "不属于该机关的资金来源")
        to_envelope = None
    for each in filter(None, (envelope, to_envelope)):
        if each.state in ENDED:
            raise StaleState(
                thing=Envelope._meta.verbose_name_raw, current=each.state, needed="drafted … frozen"
            )
    adjustment = Adjustment.objects.create(
        kind=kind,
        envelope=envelope,
        funding_source=funding_source,
        to_envelope=to_envelope,
        amount_fen=amount_fen,
        reason=reason,
        proposed_by_id=policy.signer(actor),
        proposed_at=at,
    )
    record(
        "adjustment.proposed",
        subject=adjustment,
        actor=actor,
        at=at,
        data={
            "kind": kind,
            "envelope_id": envelope.pk,
            "to_envelope_id": to_envelope.pk if to_envelope else None,
            "amount_fen": amount_fen,
            "reason": reason,
        },
    )
    return adjustment
