"""One region asks another to accept its vouchers; both sign."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound
from identity.models import Organization
from identity.policy import require_role
from ledger.money import is_amount
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import AcceptanceAgreement, Programme


@transaction.atomic
def propose_acceptance(
    *,
    issuer: Organization,
    spender: Organization,
    programmes: Sequence[Programme],
    first_day: date,
    last_day: date,
    rate: Decimal,
    cap_fen: int,
    actor: Actor,
    at: datetime,
) -> AcceptanceAgreement:
    """The issuer's side asks; `programmes` empty means all of its own. Raises Invalid,
    NotPermitted, NotFound.
    """
    policy.require_issuer(actor, issuer, *policy.AGREERS)
    if spender.kind != "government" or spender.pk == issuer.pk:
        raise Invalid("spender", "another government", "须为另一地区的政府部门")
    if last_day < first_day:
        raise Invalid("last_day", "not before the first day", "不得早于起始日")
    if not 0 < rate <= 1:
        raise Invalid("rate", "above 0 and at most 1", "须大于 0 且不超过 1")
    if not is_amount(cap_fen):
        raise Invalid("cap_fen", "a positive whole number of fen", "须为正整数（分）")
    if any(each.issuer_id != issuer.pk for each in programmes):
        raise Invalid("programmes", "programmes of the issuer", "须为发放方的计划")
    agreement = AcceptanceAgreement.objects.create(
        issuer=issuer,
        spender=spender,
        first_day=first_day,
        last_day=last_day,
        rate=rate,
        cap_fen=cap_fen,
        proposed_by_id=actor.person_id or 0,
        proposed_at=at,
    )
    agreement.programmes.set(programmes)
    record(
        "acceptance.proposed",
        subject=agreement,
        actor=actor,
        at=at,
        data={
            "issuer_id": issuer.pk,
            "spender_id": spender.pk,
            "programmes": [each.code for each in programmes],
            "first_day": first_day,
            "last_day": last_day,
            "rate": rate,
            "cap_fen": cap_fen,
        },
    )
    return agreement


@transaction.atomic
def approve_acceptance(
    *, agreement: AcceptanceAgreement, actor: Actor, at: datetime
) -> AcceptanceAgreement:
    """Sign for one's own side; in force once both did. Raises SamePerson, Invalid for days that
    another agreement covers, StaleState, NotPermitted, NotFound.
    """
    side = _side(agreement, actor)
    policy.require_somebody_else(
        actor,
        agreement.proposed_by_id,
        agreement.approved_by_issuer_id,
        agreement.approved_by_spender_id,
    )
    signed = {f"approved_by_{side}_id": actor.person_id}
    missing = "approved_by_spender_id" if side == "issuer" else "approved_by_issuer_id"
    last = getattr(agreement, missing) is not None
    try:
        with transaction.atomic():
            move_state(agreement, to="in_force" if last else "half_approved", **signed)
    except IntegrityError as error:
        raise Invalid(
            "first_day", "another agreement covers these days", "该期间已有互认协议"
        ) from error
    record(
        f"acceptance.{agreement.state}", subject=agreement, actor=actor, at=at, data={"side": side}
    )
    return agreement


@transaction.atomic
def end_acceptance(
    *, agreement: AcceptanceAgreement, reason: str, actor: Actor, at: datetime
) -> AcceptanceAgreement:
    """Either side ends it, or rejects what is not in force; what was held before stands.

    Raises Invalid without a reason, StaleState, NotPermitted, NotFound.
    """
    side = _side(agreement, actor)
    if not reason.strip():
        raise Invalid("reason", "say why", "须说明理由")
    in_force = agreement.state == AcceptanceAgreement.State.IN_FORCE
    move_state(agreement, to="ended" if in_force else "rejected", reason=reason)
    record(
        f"acceptance.{agreement.state}",
        subject=agreement,
        actor=actor,
        at=at,
        data={"side": side, "reason": reason},
    )
    return agreement


def _side(agreement: AcceptanceAgreement, actor: Actor) -> str:
    require_role(actor, *policy.AGREERS)
    sides = {agreement.issuer_id: "issuer", agreement.spender_id: "spender"}
    side = sides.get(actor.organization_id or 0)
    if side is None:
        raise NotFound(thing="acceptance agreement")
    return side
