"""Create the voucher of an approved application; committed money becomes its value."""

from datetime import date, datetime, time, timedelta

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Application, PolicyVersion, Voucher
from vouchers.queries import SHANGHAI
from vouchers.refusals import NotTheHolder
from vouchers.rules import Terms, voucher_period


@transaction.atomic
def issue_voucher(
    *, application: Application, actor: Actor, at: datetime, valid_through: date | None = None
) -> Voucher:
    """approved → issued, valid through the civil day `valid_through` in Shanghai (inclusive).

    Without `valid_through` the voucher lives as long as its terms let it; it never lives longer.
    A second call returns the voucher. Raises Invalid for a day that is past, beyond the terms, or
    left out where the terms name no end; StaleState unless the application is approved;
    NotPermitted, NotFound.
    """
    programme, version = application.programme, application.version
    policy.require_issuer(actor, programme.issuer, *policy.REVIEWERS, *policy.DECIDERS)
    existing = Voucher.objects.filter(application=application).first()
    if existing is not None:
        return existing
    if application.state != Application.State.APPROVED or not programme.envelope or not version:
        raise StaleState(thing="application", current=application.state, needed="approved")
    valid_until = _validity(version, valid_through, at)
    move_state(application, to="issued")
    envelope = programme.envelope
    voucher = Voucher.objects.create(
        serial=f"{programme.code}-{application.pk:08d}",
        programme=programme,
        version=version,
        application=application,
        holder=application.applicant,
        envelope=envelope,
        face_fen=application.amount_fen or 0,
        valid_from=at,
        valid_until=valid_until,
    )
    voucher.available = open_account(book=envelope.book, code=f"vch:{voucher.pk}:available")
    voucher.reserved = open_account(book=envelope.book, code=f"vch:{voucher.pk}:reserved")
    voucher.save(update_fields=["available", "reserved"])
    post_transfer(
        reference=f"voucher:{voucher.pk}:issue",
        kind="issue",
        moves=[
            Move(
                open_account(book=envelope.book, code=envelope.account_code("committed")),
                voucher.available,
                voucher.face_fen,
            )
        ],
        effective_at=at,
        actor=actor,
        policy_version=version.label,
    )
    record(
        "voucher.issued",
        subject=voucher,
        actor=actor,
        at=at,
        data={
            "serial": voucher.serial,
            "face_fen": voucher.face_fen,
            "holder_id": voucher.holder_id,
            "valid_until": voucher.valid_until,
        },
    )
    return voucher


def _validity(version: PolicyVersion, valid_through: date | None, at: datetime) -> datetime:
    _starts_at, latest = voucher_period(Terms.load(version.terms), issued_at=at)
    if valid_through is None:
        if latest is None:
            raise Invalid("valid_through", "the terms name no end", "条款未规定截止日，须填写")
        return latest
    asked = end_of_day(valid_through)
    if asked <= at:
        raise Invalid("valid_through", "this day is past", "该日期已过")
    if latest is not None and asked > latest:
        raise Invalid("valid_through", "later than the terms allow", "晚于条款规定的截止日")
    return asked


def end_of_day(day: date) -> datetime:
    """The first instant after the civil day `day` in Shanghai."""
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=SHANGHAI)


@transaction.atomic
def claim_voucher(*, voucher: Voucher, actor: Actor, at: datetime) -> Voucher:
    """The holder takes its voucher: issued → claimed. Raises NotTheHolder, StaleState."""
    policy.require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != voucher.holder_id:
        raise NotTheHolder()
    move_state(voucher, to="claimed")
    record("voucher.claimed", subject=voucher, actor=actor, at=at)
    return voucher
