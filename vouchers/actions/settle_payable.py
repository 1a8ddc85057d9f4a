"""The bank confirmed a payment: what it was for is settled."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury.models import Payable
from treasury.moves import move_state
from vouchers.actions.clear_regions import settle_clearing
from vouchers.models import AwardCorrection, Claim, Redemption, SubsidyAward


@transaction.atomic
def settle_payable(*, payable: Payable, actor: Actor, at: datetime) -> None:
    """Mark the redemption, award or claim behind a paid payable; a second call changes nothing."""
    redemption = Redemption.objects.filter(payable=payable, state="payable").first()
    if redemption is not None:
        move_state(redemption, to="settled")
        record("redemption.settled", subject=redemption, actor=actor, at=at)
    award = SubsidyAward.objects.filter(payable=payable, state="approved").first()
    if award is not None:
        move_state(award, to="paid")
        record("subsidy_award.paid", subject=award, actor=actor, at=at)
    claim = Claim.objects.filter(payable=payable, state="approved").first()
    if claim is not None:
        move_state(claim, to="paid")
        record("claim.paid", subject=claim, actor=actor, at=at)
    correction = AwardCorrection.objects.filter(payable=payable, state="approved").first()
    if correction is not None:
        move_state(correction, to="paid")
        record("award_correction.paid", subject=correction, actor=actor, at=at)
    settle_clearing(payable=payable, actor=actor, at=at)
