"""Propose to put money into an envelope that is not open yet."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from ledger.money import is_amount
from treasury import policy
from treasury.models import Appropriation, Envelope, FundingSource
from treasury.refusals import AdjustInstead


@transaction.atomic
def propose_appropriation(
    *,
    envelope: Envelope,
    funding_source: FundingSource,
    amount_fen: int,
    actor: Actor,
    at: datetime,
) -> Appropriation:
    """Propose `amount_fen` (positive). Nothing is posted yet.

    Raises NotPermitted, Invalid, AdjustInstead once the envelope was opened.
    """
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    if not is_amount(amount_fen):
        raise Invalid("amount_fen", "a positive whole number of fen", "须为正整数（分）")
    if funding_source.issuer_id != envelope.issuer_id:
        raise Invalid("funding_source", "not a source of this issuer", "不属于该机关的资金来源")
    if envelope.state not in (Envelope.State.DRAFTED, Envelope.State.APPROPRIATED):
        raise AdjustInstead(envelope=envelope.name, current=envelope.state)
    appropriation = Appropriation.objects.create(
        envelope=envelope,
        funding_source=funding_source,
        amount_fen=amount_fen,
        proposed_by_id=actor.person_id,
        proposed_at=at,
    )
    record(
        "appropriation.proposed",
        subject=appropriation,
        actor=actor,
        at=at,
        data={"envelope_id": envelope.pk, "amount_fen": amount_fen},
    )
    return appropriation
