"""A voucher was spent outside: the region there pays its provider, and the issuer owes that region.

`interregion_accrue`: issuer's book `rdm:{redemption}:earned → clear:{A}:{B}`, and the spending
region's `clear:{A}:{B} → xrd:{redemption}:earned`, in one transaction.
"""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account, Book, Transfer
from ledger.refusals import ReferenceReused
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from vouchers import policy
from vouchers.models import AcceptedSpending, ClearingEntry, Redemption
from vouchers.refusals import ReversedTooMuch
from vouchers.regional_books import book_of, clear_code


@transaction.atomic
def accrue_clearing(*, accepted: AcceptedSpending, actor: Actor, at: datetime) -> Payable:
    """Post the debt in both books and propose the provider's payment by the spending region.

    Idempotent for a redemption. Raises what post_transfer and propose_payable raise.
    """
    redemption, agreement = accepted.redemption, accepted.agreement
    issuer, spender = agreement.issuer, agreement.spender
    earned, label = redemption.earned, redemption.version.label
    if earned is None:
        raise Invalid("redemption", "nothing is earned by it", "该核销没有可清算金额")
    year = redemption.voucher.envelope.book.budget_year
    theirs = book_of(spender, year)
    provider_part = open_account(book=theirs, code=f"xrd:{redemption.pk}:earned")
    if not ClearingEntry.objects.filter(redemption=redemption, kind="accrual").exists():
        code = clear_code(issuer, spender)
        entry = ClearingEntry.objects.create(
            kind=ClearingEntry.Kind.ACCRUAL,
            reference=f"redemption:{redemption.pk}",
            redemption=redemption,
            debtor=issuer,
            creditor=spender,
            budget_year=year,
            amount_fen=redemption.kept_fen,
            debtors_transfer=_post(
                f"clear:redemption:{redemption.pk}:debtor",
                earned,
                open_account(book=earned.book, code=code, floor_fen=None),
                redemption.kept_fen,
                label,
                actor,
                at,
            ),
            creditors_transfer=_post(
                f"clear:redemption:{redemption.pk}:creditor",
                open_account(book=theirs, code=code, floor_fen=None),
                provider_part,
                redemption.kept_fen,
                label,
                actor,
                at,
            ),
            accrued_at=at,
        )
        _note("clearing_entry.accrued", entry, actor, at)
    return propose_payable(
        payee=redemption.provider,
        envelope=None,
        issuer=spender,
        kind=Payable.Kind.VOUCHER_REDEMPTION,
        amount_fen=redemption.kept_fen,
        source_account=provider_part,
        reference=f"redemption:{redemption.pk}",
        policy_version=label,
        actor=actor,
        at=at,
    )


@transaction.atomic
def reverse_entry(
    *,
    entry: ClearingEntry,
    amount_fen: int,
    reference: str,
    reason: str,
    actor: Actor,
    at: datetime,
) -> ClearingEntry:
    """The provider gives something back: the spending region owes it to the issuer, in the next
    window, whatever became of the first. The same `reference` returns the first reversal.

    Raises Invalid, ReversedTooMuch, ReferenceReused, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, entry.creditor, *policy.DECIDERS)
    if entry.kind != ClearingEntry.Kind.ACCRUAL:
        raise Invalid("entry", "a reversal is not reversed", "冲正不得再冲正")
    if amount_fen <= 0:
        raise Invalid("amount_fen", "must be positive", "应为正数")
    if not reason.strip():
        raise Invalid("reason", "say why", "须说明理由")
    ClearingEntry.objects.select_for_update(no_key=True).get(pk=entry.pk)
    earlier = ClearingEntry.objects.filter(reference=reference).first()
    if earlier is not None:
        if (earlier.reverses_id, earlier.amount_fen) != (entry.pk, amount_fen):
            raise ReferenceReused(reference=reference)
        return earlier
    left_fen = entry.amount_fen - sum(entry.reversals.values_list("amount_fen", flat=True))
    if amount_fen > left_fen:
        raise ReversedTooMuch(left_fen=left_fen)
    debtor, creditor, year = entry.creditor, entry.debtor, entry.budget_year
    code, label = clear_code(debtor, creditor), entry.redemption.version.label
    ours, theirs = _books(debtor, creditor, year)
    number = entry.reversals.count() + 1
    given_back = f"xrv:{entry.pk}:returned"
    reversal = ClearingEntry.objects.create(
        kind=ClearingEntry.Kind.REVERSAL,
        reference=reference,
        redemption=entry.redemption,
        reverses=entry,
        debtor=debtor,
        creditor=creditor,
        budget_year=year,
        amount_fen=amount_fen,
        reason=reason,
        debtors_transfer=_post(
            f"clear:entry:{entry.pk}:reversal:{number}:debtor",
            open_account(book=ours, code=given_back, floor_fen=None),
            open_account(book=ours, code=code, floor_fen=None),
            amount_fen,
            label,
            actor,
            at,
        ),
        creditors_transfer=_post(
            f"clear:entry:{entry.pk}:reversal:{number}:creditor",
            open_account(book=theirs, code=code, floor_fen=None),
            open_account(book=theirs, code=given_back),
            amount_fen,
            label,
            actor,
            at,
        ),
        accrued_at=at,
    )
    _note("clearing_entry.reversed", reversal, actor, at)
    return reversal


def accepted_of(redemption: Redemption) -> AcceptedSpending | None:
    """The acceptance a redemption was made under, if it was made outside."""
    return (
        AcceptedSpending.objects.select_related("agreement__issuer", "agreement__spender")
        .filter(redemption=redemption)
        .first()
    )


def _books(debtor: Organization, creditor: Organization, year: int) -> tuple[Book, Book]:
    return book_of(debtor, year), book_of(creditor, year)


def _post(
    reference: str,
    source: Account,
    destination: Account,
    amount_fen: int,
    label: str,
    actor: Actor,
    at: datetime,
) -> Transfer:
    return post_transfer(
        reference=reference,
        kind="interregion_accrue",
        moves=[Move(source, destination, amount_fen)],
        effective_at=at,
        actor=actor,
        policy_version=label,
    )


def _note(kind: str, entry: ClearingEntry, actor: Actor, at: datetime) -> None:
    record(
        kind,
        subject=entry,
        actor=actor,
        at=at,
        data={
            "reference": entry.reference,
            "debtor_id": entry.debtor_id,
            "creditor_id": entry.creditor_id,
            "amount_fen": entry.amount_fen,
            "reason": entry.reason,
        },
    )
