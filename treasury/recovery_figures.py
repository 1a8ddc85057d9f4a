"""What is claimed, came back, was given up and is still outstanding; from the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Max

from ledger.models import Account
from treasury.models import Instalment, RecoveryCase


@dataclass(frozen=True)
class RecoveryFigures:
    """In fen. demanded = outstanding + cash + offset + written_off; recovered = cash + offset."""

    demanded_fen: int
    outstanding_fen: int
    recovered_fen: int
    cash_fen: int
    offset_fen: int
    written_off_fen: int

    @property
    def unaccounted_fen(self) -> int:
        """Zero, or the books are wrong."""
        return (
            self.demanded_fen
            - self.outstanding_fen
            - self.cash_fen
            - self.offset_fen
            - self.written_off_fen
        ) or (self.recovered_fen - self.cash_fen - self.offset_fen)


def figures_of(cases: Iterable[RecoveryCase]) -> dict[int, RecoveryFigures]:
    """The figures of each case by its id; one query for accounts, one for receipts."""
    rows = {case.pk: case for case in cases}
    codes = [
        case.account_code(part)
        for case in rows.values()
        for part in ("receivable", "recovered", "written_off")
    ]
    balances = {
        (account.book_id, account.code): account.balance_fen
        for account in Account.objects.filter(code__in=codes)
    }
    kinds: dict[tuple[int, str], int] = {}
    receipts = RecoveryCase.objects.filter(pk__in=rows).values_list(
        "pk", "receipts__kind", "receipts__amount_fen"
    )
    for pk, kind, amount_fen in receipts:
        if kind is not None:
            kinds[pk, kind] = kinds.get((pk, kind), 0) + (amount_fen or 0)
    return {
        pk: RecoveryFigures(
            demanded_fen=case.demanded_fen or 0,
            outstanding_fen=balances.get((case.book_id, case.account_code("receivable")), 0),
            recovered_fen=balances.get((case.book_id, case.account_code("recovered")), 0),
            cash_fen=kinds.get((pk, "cash"), 0),
            offset_fen=kinds.get((pk, "offset"), 0),
            written_off_fen=balances.get((case.book_id, case.account_code("written_off")), 0),
        )
        for pk, case in rows.items()
    }


@dataclass(frozen=True)
class InstalmentDue:
    """One part of the newest plan; receipts since it was agreed fill it in the order of days."""

    number: int
    due_date: date
    amount_fen: int
    paid_fen: int
    overdue: bool


def instalments_of(case: RecoveryCase, *, today: date) -> list[InstalmentDue]:
    """The newest plan of `case`; empty without one."""
    plan = case.instalments.aggregate(last=Max("plan"))["last"]
    if plan is None:
        return []
    parts = list(Instalment.objects.filter(case=case, plan=plan).order_by("number"))
    # A plan is for exactly what was outstanding; what has gone since filled it.
    left_fen = sum(part.amount_fen for part in parts) - figures_of([case])[case.pk].outstanding_fen
    due = []
    for part in parts:
        paid_fen = min(part.amount_fen, left_fen)
        left_fen -= paid_fen
        late = part.due_date < today and paid_fen < part.amount_fen
        due.append(InstalmentDue(part.number, part.due_date, part.amount_fen, paid_fen, late))
    return due
