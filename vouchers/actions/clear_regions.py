"""Close a window between two regions, confirm it from both sides, and pay what is left.

What is disputed leaves the window and waits; what comes later waits for the next one.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid, NotFound, StaleState
from identity.models import Organization
from identity.policy import require_role
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.actions.reverse_transfer import reverse_transfer
from ledger.models import Transfer
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import ClearingEntry, RegionalClearing
from vouchers.refusals import NothingToNet
from vouchers.regional_books import book_of, clear_code
from vouchers.rules.netting import Net, net


@transaction.atomic
def close_clearing(
    *,
    region: Organization,
    with_region: Organization,
    budget_year: int,
    upto: datetime,
    actor: Actor,
    at: datetime,
) -> RegionalClearing:
    """Freeze and net the undisputed entries of the two before `upto`. Either side may.

    Two who close at once get one window: the second finds nothing. Raises NothingToNet, Invalid,
    NotPermitted, NotFound.
    """
    policy.require_issuer(actor, region, *policy.AGREERS)
    if region.pk == with_region.pk:
        raise Invalid("with_region", "another region", "须为另一地区")
    if upto > at:
        raise Invalid("upto", "not in the future", "不得晚于当前时间")
    one, other = sorted((region, with_region), key=lambda each: each.pk)
    # Both regions are locked in one order, so that windows of a pair follow each other.
    list(
        Organization.objects.select_for_update(no_key=True)
        .filter(pk__in=[one.pk, other.pk])
        .order_by("pk")
    )
    entries = list(
        ClearingEntry.objects.select_for_update(no_key=True)
        .filter(
            debtor__in=[one.pk, other.pk],
            creditor__in=[one.pk, other.pk],
            budget_year=budget_year,
            accrued_at__lt=upto,
            clearing__isnull=True,
            disputed_by__isnull=True,
        )
        .order_by("pk")
    )
    if not entries:
        raise NothingToNet()
    sums = _net(entries, one.pk, other.pk)
    earlier = RegionalClearing.objects.filter(one=one, other=other, budget_year=budget_year)
    clearing = RegionalClearing.objects.create(
        one=one,
        other=other,
        budget_year=budget_year,
        number=earlier.count() + 1,
        upto=upto,
        one_owes_fen=sums.one_owes_fen,
        other_owes_fen=sums.other_owes_fen,
        closed_by_id=actor.person_id or 0,
        closed_at=at,
    )
    ClearingEntry.objects.filter(pk__in=[each.pk for each in entries]).update(clearing=clearing)
    _note("closed", clearing, actor, at, entries=len(entries))
    return clearing


@transaction.atomic
def dispute_entry(
    *, entry: ClearingEntry, reason: str, actor: Actor, at: datetime
) -> ClearingEntry:
    """Take an entry out of a window that is not confirmed by both; the rest is netted again, and
    a confirmation already given falls. Raises Invalid, StaleState, NotPermitted, NotFound.
    """
    _side_of_entry(entry, actor)
    if not reason.strip():
        raise Invalid("reason", "say why", "须说明理由")
    clearing = _locked(entry.clearing_id) if entry.clearing_id else None
    entry.refresh_from_db()
    if clearing is not None and clearing.state not in ("closed", "half_confirmed"):
        raise StaleState(thing="clearing", current=clearing.state, needed="closed")
    if entry.disputed_by_id is not None:
        raise StaleState(thing="clearing entry", current="disputed", needed="undisputed")
    ClearingEntry.objects.filter(pk=entry.pk).update(
        clearing=None, disputed_by_id=actor.person_id, dispute=reason
    )
    entry.refresh_from_db()
    record("clearing_entry.disputed", subject=entry, actor=actor, at=at, data={"reason": reason})
    if clearing is not None:
        _net_again(clearing, actor, at)
    return entry


@transaction.atomic
def settle_dispute(
    *, entry: ClearingEntry, reason: str, actor: Actor, at: datetime
) -> ClearingEntry:
    """The side that disputed it lets it stand: it waits for the next window. A correction of its
    amount is a reversal. Raises Invalid, StaleState, NotPermitted, NotFound.
    """
    _side_of_entry(entry, actor)
    if not reason.strip():
        raise Invalid("reason", "say why", "须说明理由")
    moved = ClearingEntry.objects.filter(pk=entry.pk, disputed_by__isnull=False).update(
        disputed_by=None, dispute=""
    )
    if not moved:
        raise StaleState(thing="clearing entry", current="undisputed", needed="disputed")
    entry.refresh_from_db()
    record(
        "clearing_entry.dispute_settled",
        subject=entry,
        actor=actor,
        at=at,
        data={"reason": reason},
    )
    return entry


@transaction.atomic
def confirm_clearing(*, clearing: RegionalClearing, actor: Actor, at: datetime) -> RegionalClearing:
    """Confirm for one's own side; the second side's confirmation posts the netting in both books
    and proposes the one payment that is left. Raises SamePerson, StaleState, NotPermitted,
    NotFound.
    """
    require_role(actor, *policy.DECIDERS)
    clearing_row = _locked(clearing.pk)
    sides = {clearing_row.one_id: "one", clearing_row.other_id: "other"}
    side = sides.get(actor.organization_id or 0)
    if side is None:
        raise NotFound(thing="clearing")
    clearing.refresh_from_db()
    policy.require_somebody_else(
        actor, clearing.closed_by_id, clearing.confirmed_by_one_id, clearing.confirmed_by_other_id
    )
    field = f"confirmed_by_{side}_id"
    if getattr(clearing, field) is not None:
        raise StaleState(thing="clearing", current="confirmed by this side", needed="closed")
    if clearing.state == RegionalClearing.State.CLOSED:
        move_state(clearing, to="half_confirmed", **{field: actor.person_id})
        _note("half_confirmed", clearing, actor, at, side=side)
        return clearing
    sums = Net(clearing.one_owes_fen, clearing.other_owes_fen)
    payable = _post_netting(clearing, sums, actor, at)
    move_state(
        clearing,
        to="confirmed" if payable else "settled",
        payable_id=payable.pk if payable else None,
        **{field: actor.person_id},
    )
    _note(clearing.state, clearing, actor, at, payable=payable.pk if payable else None)
    return clearing


@transaction.atomic
def settle_clearing(*, payable: Payable, actor: Actor, at: datetime) -> RegionalClearing | None:
    """The bank paid what was left: the other region has received it. A second call does nothing."""
    clearing = RegionalClearing.objects.filter(payable=payable, state="confirmed").first()
    if clearing is None:
        return None
    creditor, debtor = payable.payee, payable.issuer
    book = book_of(creditor, clearing.budget_year)
    receipts = _receipts(clearing).count()
    post_transfer(
        reference=f"clearing:{clearing.pk}:received" + (f":{receipts + 1}" if receipts else ""),
        kind="interregion_receive",
        moves=[
            Move(
                open_account(book=book, code=f"fund:region:{debtor.adcode}", floor_fen=None),
                open_account(book=book, code=f"net:{clearing.pk}:due", floor_fen=None),
                payable.amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=_label(clearing),
    )
    move_state(clearing, to="settled")
    _note("settled", clearing, actor, at, payable=payable.pk)
    return clearing


def unsettle_clearing(*, payable: Payable, actor: Actor, at: datetime) -> RegionalClearing | None:
    """The payment came back: the other region has not received it. A second call does nothing."""
    clearing = RegionalClearing.objects.filter(payable=payable, state="settled").first()
    if clearing is None:
        return None
    receipt = _receipts(clearing).latest("pk")
    reverse_transfer(
        transfer=receipt, reference=f"{receipt.reference}:returned", effective_at=at, actor=actor
    )
    move_state(clearing, to="confirmed")
    _note("unpaid", clearing, actor, at, payable=payable.pk)
    return clearing


def _receipts(clearing: RegionalClearing) -> QuerySet[Transfer]:
    return Transfer.objects.filter(
        kind="interregion_receive", reference__startswith=f"clearing:{clearing.pk}:received"
    )


def _net(entries: list[ClearingEntry], one: int, other: int) -> Net:
    rows = [(each.debtor_id, each.creditor_id, each.amount_fen) for each in entries]
    return net(rows, one=one, other=other)


def _net_again(clearing: RegionalClearing, actor: Actor, at: datetime) -> None:
    entries = list(clearing.entries.order_by("pk"))
    sums = _net(entries, clearing.one_id, clearing.other_id)
    RegionalClearing.objects.filter(pk=clearing.pk).update(
        one_owes_fen=sums.one_owes_fen, other_owes_fen=sums.other_owes_fen
    )
    clearing.refresh_from_db()
    if clearing.state == RegionalClearing.State.HALF_CONFIRMED:
        move_state(clearing, to="closed", confirmed_by_one_id=None, confirmed_by_other_id=None)
    if not entries:
        move_state(clearing, to="aborted")
    _note("netted_again", clearing, actor, at, entries=len(entries))


def _post_netting(
    clearing: RegionalClearing, sums: Net, actor: Actor, at: datetime
) -> Payable | None:
    """`interregion_net` in both books; what is left rests in `net:{clearing}` until it is paid."""
    one, other = clearing.one, clearing.other
    sides = ((one, other, sums.one_pays_fen), (other, one, sums.other_pays_fen))
    payable = None
    for mine, theirs, pays_fen in sides:
        book = book_of(mine, clearing.budget_year)
        owed = open_account(book=book, code=clear_code(mine, theirs), floor_fen=None)
        due = open_account(book=book, code=clear_code(theirs, mine), floor_fen=None)
        gets_fen = sums.one_pays_fen + sums.other_pays_fen - pays_fen
        left = open_account(book=book, code=f"net:{clearing.pk}:owed")
        back = open_account(book=book, code=f"net:{clearing.pk}:due", floor_fen=None)
        moves = [
            Move(source, destination, amount_fen)
            for source, destination, amount_fen in (
                (owed, due, sums.netted_fen),
                (owed, left, pays_fen),
                (back, due, gets_fen),
            )
            if amount_fen
        ]
        post_transfer(
            reference=f"clearing:{clearing.pk}:net:{mine.adcode}:{mine.pk}",
            kind="interregion_net",
            moves=moves,
            effective_at=at,
            actor=actor,
            policy_version=_label(clearing),
        )
        if pays_fen:
            payable = propose_payable(
                payee=theirs,
                envelope=None,
                issuer=mine,
                kind=Payable.Kind.REGION_CLEARING,
                amount_fen=pays_fen,
                source_account=left,
                reference=f"clearing:{clearing.pk}",
                policy_version=_label(clearing),
                actor=SYSTEM,
                at=at,
            )
    return payable


def _side_of_entry(entry: ClearingEntry, actor: Actor) -> None:
    require_role(actor, *policy.DECIDERS)
    if actor.organization_id not in (entry.debtor_id, entry.creditor_id):
        raise NotFound(thing="clearing entry")


def _locked(pk: int) -> RegionalClearing:
    return RegionalClearing.objects.select_for_update(no_key=True).get(pk=pk)


def _label(clearing: RegionalClearing) -> str:
    return f"regional-clearing@{clearing.pk}"


def _note(
    kind: str, clearing: RegionalClearing, actor: Actor, at: datetime, **data: object
) -> None:
    record(
        f"regional_clearing.{kind}",
        subject=clearing,
        actor=actor,
        at=at,
        data={
            "one_owes_fen": clearing.one_owes_fen,
            "other_owes_fen": clearing.other_owes_fen,
            **data,
        },
    )
