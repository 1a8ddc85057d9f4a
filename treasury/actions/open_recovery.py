"""Open a case to get public money back, and serve its notice."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from ledger.actions.open_account import open_book
from ledger.models import Book
from treasury import policy
from treasury.models import Payable, RecoveryCase
from treasury.moves import move_state
from treasury.proposals import require_amount
from treasury.refusals import ClaimsTooMuch

CONTEST_DAYS = 15


@transaction.atomic
def open_recovery(
    *,
    payable: Payable,
    amount_fen: int,
    cause: str,
    finding: str,
    actor: Actor,
    at: datetime,
    book: Book | None = None,
) -> RecoveryCase:
    """Open a case for `amount_fen` of what `payable` paid; `cause` is one of RecoveryCase.Cause.

    Its postings go into the payable's book, or, when that year is closed, into the issuer's book
    of the year of `at`. Nothing is posted before the demand. Raises NotPermitted, Invalid,
    ClaimsTooMuch (over all cases of the payable that were not dismissed).
    """
    policy.require_issuer(actor, payable.issuer, *policy.RECOVERERS)
    require_amount(amount_fen)
    if cause not in RecoveryCase.Cause.values:
        raise Invalid("cause", "unknown cause", "未知的追回事由")
    if book is None:
        book = payable.book
        if book.state != Book.State.OPEN:
            year = at.astimezone(policy.SHANGHAI).year
            book = open_book(issuer_adcode=payable.issuer.adcode, budget_year=year)
    try:
        with transaction.atomic():
            case = RecoveryCase.objects.create(
                issuer=payable.issuer,
                payable=payable,
                book=book,
                original_debtor=payable.payee,
                debtor=payable.payee,
                cause=cause,
                finding=finding,
                claimed_fen=amount_fen,
                opened_by_id=policy.signer(actor),
                opened_at=at,
            )
    except IntegrityError as error:
        if "did not pay that much" not in str(error):
            raise
        raise ClaimsTooMuch(
            field="amount_fen", reference=payable.reference, amount_fen=amount_fen
        ) from error
    record(
        "recovery.opened",
        subject=case,
        actor=actor,
        at=at,
        data={
            "payable": payable.reference,
            "debtor_id": payable.payee_id,
            "claimed_fen": amount_fen,
            "cause": cause,
            "finding": finding,
        },
    )
    return case


@transaction.atomic
def serve_notice(
    *, case: RecoveryCase, actor: Actor, at: datetime, contest_days: int = CONTEST_DAYS
) -> RecoveryCase:
    """opened → notice_served; the debtor may contest for `contest_days` from `at`.

    Raises NotPermitted, StaleState, Invalid.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    if not 1 <= contest_days <= 365:
        raise Invalid("contest_days", "from 1 to 365 days", "须为 1 至 365 天")
    move_state(
        case,
        to=RecoveryCase.State.NOTICE_SERVED,
        served_by_id=actor.person_id,
        served_at=at,
        contest_by_at=at + timedelta(days=contest_days),
    )
    record(
        "recovery.notice_served",
        subject=case,
        actor=actor,
        at=at,
        data={"debtor_id": case.debtor_id, "contest_by_at": case.contest_by_at},
    )
    return case
