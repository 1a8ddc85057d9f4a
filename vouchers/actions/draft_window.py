"""Draft a claim window: how much, for whom, from when to when, in what order."""

from datetime import date, datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from vouchers import policy
from vouchers.actions.issue_voucher import end_of_day
from vouchers.models import ClaimWindow, PolicyVersion, Programme
from vouchers.queries import version_in_force
from vouchers.refusals import ProgrammeNotActive
from vouchers.rules import Terms, voucher_period


@transaction.atomic
def draft_window(
    *,
    programme: Programme,
    name: str,
    tranche_fen: int,
    opens_at: datetime,
    closes_at: datetime,
    valid_through: date,
    order: str = ClaimWindow.Order.FIRST_COME,
    admission: str = ClaimWindow.Admission.TERMS,
    region_prefix: str = "",
    remainder: str = ClaimWindow.Remainder.PARTIAL,
    face_fen: int | None = None,
    actor: Actor,
    at: datetime,
) -> ClaimWindow:
    """A drafted window under the terms that will be in force when it opens.

    Vouchers are valid through the civil day `valid_through` in Shanghai (inclusive). Raises
    Invalid naming the field, ProgrammeNotActive, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, programme.issuer, *policy.DRAFTERS)
    if programme.state != Programme.State.ACTIVE or programme.envelope is None:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    if closes_at <= opens_at:
        raise Invalid("closes_at", "must be after it opens", "须晚于开放时间")
    if closes_at <= at:
        raise Invalid("closes_at", "this instant is past", "该时间已过")
    if admission == ClaimWindow.Admission.REGION and face_fen is None:
        raise Invalid("face_fen", "needed where no terms are asked", "不按条款准入时须填写面额")
    version = version_in_force(programme, at=opens_at)
    window = ClaimWindow.objects.create(
        name=name,
        programme=programme,
        version=version,
        envelope=programme.envelope,
        order=order,
        admission=admission,
        region_prefix=region_prefix,
        remainder=remainder,
        face_fen=face_fen,
        tranche_fen=tranche_fen,
        opens_at=opens_at,
        closes_at=closes_at,
        valid_until=_valid_until(version, valid_through, opens_at, closes_at),
        drafted_by_id=actor.person_id or 0,
    )
    record(
        "claim_window.drafted",
        subject=window,
        actor=actor,
        at=at,
        data={
            "version": version.label,
            "tranche_fen": tranche_fen,
            "face_fen": face_fen,
            "order": order,
            "opens_at": opens_at,
            "closes_at": closes_at,
        },
    )
    return window


def _valid_until(
    version: PolicyVersion, valid_through: date, opens_at: datetime, closes_at: datetime
) -> datetime:
    asked = end_of_day(valid_through)
    if asked <= closes_at:
        raise Invalid("valid_through", "vouchers outlive the window", "有效期须晚于窗口关闭时间")
    # The earliest voucher of the window is made out when it opens; its terms bound all of them.
    _starts_at, latest = voucher_period(Terms.load(version.terms), issued_at=opens_at)
    if latest is not None and asked > latest:
        raise Invalid("valid_through", "later than the terms allow", "晚于条款规定的截止日")
    return asked
