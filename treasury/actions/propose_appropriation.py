"""Propose to put money into an envelope, or to cut it."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from ledger.money import is_amount
from treasury import policy
from treasury.models import Appropriation, Envelope, FundingSource


@transaction.atomic
def propose_appropriation(
    *,
    envelope: Envelope,
    funding_source: FundingSource,
    amount_fen: int,
    actor: Actor,
    at: datetime,
    kind: str = Appropriation.Kind.APPROPRIATE,
) -> Appropriation:
    """Propose `amount_fen` (positive; `kind` "cut" takes it away again). Nothing is posted yet.

    Raises NotPermitted, Invalid, StaleState when the envelope is closing or closed.
    """
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    if not is_amount(amount_fen):
        raise Invalid("amount_fen", "a positive whole number of fen", "须为正整数（分）")
    if kind not in Appropriation.Kind.values:
        raise Invalid("kind", "appropriate or cut", "须为 appropriate 或 cut")
    if funding_source.issuer_id != envelope.issuer_id:
        raise Invalid("funding_source", "not a source of this issuer", "不属于该机关的资金来源")
    if envelope.state in (Envelope.State.CLOSING, Envelope.State.CLOSED):
        raise StaleState(
            thing=Envelope._meta.verbose_name, current=envelope.state, needed="drafted … frozen"
        )
    appropriation = Appropriation.objects.create(
        envelope=envelope,
        funding_source=funding_source,
        kind=kind,
        amount_fen=amount_fen,
        proposed_by_id=actor.person_id,
        proposed_at=at,
    )
    record(
        "appropriation.proposed",
        subject=appropriation,
        actor=actor,
        at=at,
        data={"envelope_id": envelope.pk, "kind": kind, "amount_fen": amount_fen},
    )
    return appropriation
