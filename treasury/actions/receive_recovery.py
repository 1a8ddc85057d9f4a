"""Money comes back: in cash, or kept from what we owe the debtor. Never beyond what is owed."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account, Transfer
from treasury import policy
from treasury.models import Payable, RecoveryCase, RecoveryReceipt
from treasury.moves import move_state
from treasury.proposals import require_amount
from treasury.refusals import MoreThanOutstanding, NothingToOffset

COLLECTING = (
    RecoveryCase.State.DEMAND_ISSUED,
    RecoveryCase.State.RECOVERING,
    RecoveryCase.State.LITIGATED,
)


@transaction.atomic
def receive_cash(
    *, case: RecoveryCase, amount_fen: int, bank_reference: str, actor: Actor, at: datetime
) -> RecoveryReceipt:
    """Book a payment of the debtor: `receivable → recovered`. Once for a bank reference.

    Raises NotPermitted, Invalid (also a reference used before), MoreThanOutstanding, StaleState.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    require_amount(amount_fen)
    if RecoveryReceipt.objects.filter(kind="cash", bank_reference=bank_reference).exists():
        raise Invalid("bank_reference", "this bank line is booked already", "该银行流水已入账")
    receivable = require_outstanding(case, amount_fen)
    recovered = open_account(book=case.book, code=case.account_code("recovered"))
    number = case.receipts.count() + 1

    def post() -> Transfer:
        return post_transfer(
            reference=f"recovery:{case.pk}:receipt:{number}",
            kind="clawback_cash",
            moves=[Move(receivable, recovered, amount_fen)],
            effective_at=at,
            actor=actor,
            policy_version=case.payable.policy_version,
        )

    return _book(case, "cash", amount_fen, post, actor, at, bank_reference=bank_reference)


@transaction.atomic
def offset_payable(
    *, case: RecoveryCase, payable: Payable, actor: Actor, at: datetime
) -> RecoveryReceipt:
    """Keep what is outstanding, at most what is due, from an approved payable of the debtor.

    Posts `pay → recovered` and `receivable → claimed`. A payable kept wholly becomes "offset" and
    is never sent to the bank; the remainder of the case stays receivable. Raises NotPermitted,
    NothingToOffset, MoreThanOutstanding (nothing is outstanding), StaleState.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    held = Payable.objects.select_for_update(no_key=True).get(pk=payable.pk)
    if (held.state, held.payee_id, held.issuer_id, held.book_id) != (
        Payable.State.APPROVED,
        case.debtor_id,
        case.issuer_id,
        case.book_id,
    ):
        raise NothingToOffset(field="payable", reference=held.reference, current=held.state)
    receivable = require_outstanding(case, 1)
    amount_fen = min(receivable.balance_fen, held.due_fen)
    book = case.book
    number = case.receipts.count() + 1

    def post() -> Transfer:
        return post_transfer(
            reference=f"recovery:{case.pk}:receipt:{number}",
            kind="clawback_offset",
            moves=[
                Move(
                    open_account(book=book, code=held.account_code),
                    open_account(book=book, code=case.account_code("recovered")),
                    amount_fen,
                ),
                Move(
                    receivable,
                    open_account(book=book, code=case.account_code("claimed"), floor_fen=None),
                    amount_fen,
                ),
            ],
            effective_at=at,
            actor=actor,
            policy_version=case.payable.policy_version,
        )

    receipt = _book(case, "offset", amount_fen, post, actor, at, payable=held)
    whole = amount_fen == held.due_fen
    changes = {"offset_fen": held.offset_fen + amount_fen}
    if whole:
        move_state(held, to=Payable.State.OFFSET, **changes)
    else:
        Payable.objects.filter(pk=held.pk, state="approved").update(**changes)
    record(
        "payable.offset" if whole else "payable.reduced",
        subject=held,
        actor=actor,
        at=at,
        data={"reference": held.reference, "kept_fen": amount_fen, "recovery_id": case.pk},
    )
    payable.refresh_from_db()
    return receipt


def require_outstanding(case: RecoveryCase, amount_fen: int) -> Account:
    """The case's receivable, with the case locked. Raises MoreThanOutstanding, StaleState."""
    held = RecoveryCase.objects.select_for_update(no_key=True).get(pk=case.pk)
    if held.state not in COLLECTING:
        raise StaleState(
            thing=RecoveryCase._meta.verbose_name_raw,
            current=held.state,
            needed=" / ".join(COLLECTING),
        )
    receivable = open_account(book=case.book, code=case.account_code("receivable"))
    if receivable.balance_fen < amount_fen:
        raise MoreThanOutstanding(
            field="amount_fen", outstanding_fen=receivable.balance_fen, amount_fen=amount_fen
        )
    return receivable


def _book(
    case: RecoveryCase,
    kind: str,
    amount_fen: int,
    post: Callable[[], Transfer],
    actor: Actor,
    at: datetime,
    *,
    payable: Payable | None = None,
    bank_reference: str | None = None,
) -> RecoveryReceipt:
    transfer = post()
    receipt = RecoveryReceipt.objects.create(
        case=case,
        kind=kind,
        amount_fen=amount_fen,
        payable=payable,
        bank_reference=bank_reference,
        received_by_id=policy.signer(actor),
        received_at=at,
        transfer=transfer,
    )
    record(
        f"recovery.{kind}",
        subject=case,
        actor=actor,
        at=at,
        data={
            "amount_fen": amount_fen,
            "payable": payable.reference if payable else None,
            "bank_reference": bank_reference,
            "transfer": transfer.reference,
        },
    )
    case.refresh_from_db()
    if case.state != RecoveryCase.State.RECOVERING:
        move_state(case, to=RecoveryCase.State.RECOVERING)
    conclude(case=case, actor=actor, at=at)
    return receipt


def conclude(*, case: RecoveryCase, actor: Actor, at: datetime) -> None:
    """Nothing outstanding: the case ends, as written off when a part of it was."""
    receivable = open_account(book=case.book, code=case.account_code("receivable"))
    if receivable.balance_fen:
        return
    written_off = case.write_offs.filter(state="approved").exists()
    to = RecoveryCase.State.WRITTEN_OFF if written_off else RecoveryCase.State.RECOVERED
    move_state(case, to=to)
    record(f"recovery.{to}", subject=case, actor=actor, at=at)
