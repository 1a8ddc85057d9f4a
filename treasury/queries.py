"""What there is to see of public money."""

from dataclasses import asdict, dataclass

from django.db import connection
from django.db.models import F, Q, QuerySet, Sum

from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Actor
from identity.policy import sees_everything
from ledger.models import Account, Book, Transfer
from treasury.bank_files import Payment
from treasury.budget_use import put_in_fen
from treasury.models import (
    Adjustment,
    Appropriation,
    BankAccount,
    BankEnquiry,
    Envelope,
    FundingSource,
    Payable,
    PayoutBatch,
    PayoutItem,
    RecoveryCase,
    SuspenseEntry,
    Tranche,
    WriteOff,
)


def funding_sources_visible_to(actor: Actor) -> QuerySet[FundingSource]:
    """An issuer's own; an auditor's all."""
    sources = FundingSource.objects.select_related("issuer")
    return sources if sees_everything(actor) else sources.filter(issuer=actor.organization_id)


def envelopes_visible_to(actor: Actor) -> QuerySet[Envelope]:
    """An issuer's own; an auditor's all."""
    envelopes = Envelope.objects.select_related("issuer", "book")
    return envelopes if sees_everything(actor) else envelopes.filter(issuer=actor.organization_id)


def appropriations_visible_to(actor: Actor) -> QuerySet[Appropriation]:
    """Those of an issuer's own envelopes; an auditor's all."""
    rows = Appropriation.objects.select_related("envelope__issuer", "envelope__book")
    return rows if sees_everything(actor) else rows.filter(envelope__issuer=actor.organization_id)


def payables_visible_to(actor: Actor) -> QuerySet[Payable]:
    """Those an organization issues or is owed; an auditor's all."""
    rows = Payable.objects.select_related("issuer", "payee", "book", "source_account__book")
    if sees_everything(actor):
        return rows
    return rows.filter(Q(issuer=actor.organization_id) | Q(payee=actor.organization_id))


def batches_visible_to(actor: Actor) -> QuerySet[PayoutBatch]:
    """An issuer's own; an auditor's all. Payees see their items' state through the payable."""
    batches = PayoutBatch.objects.select_related("issuer", "book")
    return batches if sees_everything(actor) else batches.filter(issuer=actor.organization_id)


def bank_accounts_visible_to(actor: Actor) -> QuerySet[BankAccount]:
    """An organization's own; a paying government sees those of its payees; an auditor's all."""
    accounts = BankAccount.objects.select_related("organization")
    if sees_everything(actor):
        return accounts
    return accounts.filter(
        Q(organization=actor.organization_id)
        | Q(organization__payables__issuer=actor.organization_id)
    ).distinct()


def items_visible_to(actor: Actor) -> QuerySet[PayoutItem]:
    """Those of an issuer's batches, and those that pay an organization; an auditor's all."""
    items = PayoutItem.objects.select_related("batch", "payable__payee", "bank_account")
    if sees_everything(actor):
        return items
    return items.filter(
        Q(batch__issuer=actor.organization_id) | Q(payable__payee=actor.organization_id)
    )


def books_visible_to(actor: Actor) -> QuerySet[Book]:
    """The books an issuer has envelopes in; an auditor's all."""
    books = Book.objects.all()
    if sees_everything(actor):
        return books
    return books.filter(pk__in=Envelope.objects.filter(issuer=actor.organization_id).values("book"))


def accounts_visible_to(actor: Actor) -> QuerySet[Account]:
    """Accounts of an issuer's books, and the account of what an organization is owed."""
    accounts = Account.objects.select_related("book")
    if sees_everything(actor):
        return accounts
    return accounts.filter(
        Q(book__in=books_visible_to(actor)) | Q(code=f"pay:{actor.organization_id}:payable")
    )


def transfers_visible_to(actor: Actor) -> QuerySet[Transfer]:
    """Transfers in an issuer's books; an auditor's all."""
    transfers = Transfer.objects.prefetch_related("postings__source", "postings__destination")
    if sees_everything(actor):
        return transfers
    # Known before the statement is planned: who has no book would have every transfer looked at.
    books = list(books_visible_to(actor).values_list("pk", flat=True))
    return transfers.filter(book__in=books)


@dataclass(frozen=True)
class EnvelopeFigures:
    """Where the money of an envelope is, in fen.

    appropriated = unreleased + available + committed + in_vouchers + earned + payable + paid
    + lapsed;
    `issued` is what ever left `committed` for vouchers and awards, less what came back.
    """

    appropriated_fen: int
    available_fen: int
    committed_fen: int
    issued_fen: int
    in_vouchers_fen: int
    earned_fen: int
    payable_fen: int
    paid_fen: int
    lapsed_fen: int
    unreleased_fen: int = 0

    @property
    def unaccounted_fen(self) -> int:
        """Zero, or the books are wrong."""
        return self.appropriated_fen - (
            self.unreleased_fen
            + self.available_fen
            + self.committed_fen
            + self.in_vouchers_fen
            + self.earned_fen
            + self.payable_fen
            + self.paid_fen
            + self.lapsed_fen
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


# Value of an envelope flows from env:committed into accounts of single claim windows, vouchers,
# awards, claims and differences, and from vouchers into redemptions; no two envelopes share one.
# The postings of budgets, windows and holds lead to them. Those of redemptions at once, by far the
# most, need not be read: their accounts are named after the envelope. What rests in a window is
# promised and not yet in a voucher: it counts as committed.
_DOWNSTREAM = """
WITH RECURSIVE given(id, code) AS (
    SELECT id, code FROM ledger_account WHERE id = %(committed)s
    UNION
    SELECT a.id, a.code FROM given g
      JOIN ledger_posting p ON p.source_id = g.id
      JOIN ledger_account a ON a.id = p.destination_id
     WHERE g.code ~ '^(env|win):' AND a.code ~ '^(win|vch|awd|clm|dif):'
), held AS (
    SELECT a.id FROM given g
      JOIN ledger_account a ON a.book_id = %(book)s
                           AND a.code = replace(g.code, ':available', ':reserved')
     WHERE g.code LIKE 'vch:%%'
), redeemed AS (
    SELECT id FROM ledger_account WHERE book_id = %(book)s AND code LIKE %(at_once)s
     UNION
    SELECT a.id FROM held h,
           LATERAL (SELECT destination_id FROM ledger_posting WHERE source_id = h.id OFFSET 0) p
      JOIN ledger_account a ON a.id = p.destination_id AND a.code LIKE 'rdm:%%'
), reached AS (
    SELECT id FROM given UNION SELECT id FROM held UNION SELECT id FROM redeemed
)
SELECT COALESCE(SUM(a.balance_fen) FILTER (WHERE a.code LIKE 'vch:%%'), 0),
       COALESCE(SUM(a.balance_fen) FILTER (WHERE a.code ~ '^(rdm|awd|clm|dif):'), 0),
       COALESCE(SUM(a.balance_fen) FILTER (WHERE a.code LIKE 'win:%%'), 0),
       (SELECT COALESCE(SUM(p.amount_fen), 0)
          FROM ledger_account d JOIN ledger_posting p ON p.destination_id = d.id
         WHERE d.book_id = %(book)s AND d.code LIKE 'clear:%%'
           AND p.source_id IN (SELECT id FROM redeemed))
  FROM reached JOIN ledger_account a USING (id)
"""
_NET = """
SELECT COALESCE(SUM(CASE WHEN p.source_id = %s THEN p.amount_fen ELSE -p.amount_fen END), 0)
  FROM ledger_posting p
  JOIN ledger_account o
    ON o.id = CASE WHEN p.source_id = %s THEN p.destination_id ELSE p.source_id END
 WHERE (p.source_id = %s OR p.destination_id = %s) AND o.code ~ %s
"""


def envelope_figures(envelope: Envelope) -> EnvelopeFigures:
    """Every fen of `envelope`, found by following the postings."""
    accounts = {
        account.code: account
        for account in Account.objects.filter(
            book_id=envelope.book_id,
            code__in=[
                envelope.account_code("unreleased"),
                envelope.account_code("available"),
                envelope.account_code("committed"),
                envelope.lapse_code,
            ],
        )
    }
    available = accounts[envelope.account_code("available")]
    committed = accounts[envelope.account_code("committed")]
    with connection.cursor() as cursor:
        cursor.execute(
            _DOWNSTREAM,
            {
                "committed": committed.pk,
                "book": envelope.book_id,
                "at_once": f"rdm:{envelope.pk}-%",
            },
        )
        in_vouchers, earned, in_windows, cleared = cursor.fetchone()
        cursor.execute(_NET, [committed.pk] * 4 + ["^(win|vch|awd|clm|dif):"])
        (issued,) = cursor.fetchone()
    unreleased = accounts.get(envelope.account_code("unreleased"))
    owed = Payable.objects.filter(envelope=envelope).aggregate(
        payable=Sum("amount_fen", filter=Q(state__in=["approved", "in_batch"])),
        paid=Sum("amount_fen", filter=Q(state__in=["paid", "offset"])),
    )
    return EnvelopeFigures(
        appropriated_fen=put_in_fen(envelope),
        available_fen=available.balance_fen,
        committed_fen=committed.balance_fen + int(in_windows),
        issued_fen=int(issued - in_windows),
        in_vouchers_fen=int(in_vouchers),
        earned_fen=int(earned),
        payable_fen=owed["payable"] or 0,
        # What another region paid for us is spent: it is owed to that region, by clearing.
        paid_fen=(owed["paid"] or 0) + int(cleared),
        lapsed_fen=accounts[envelope.lapse_code].balance_fen,
        unreleased_fen=unreleased.balance_fen if unreleased else 0,
    )


def payments_of(batch: PayoutBatch) -> list[Payment]:
    """The batch's payments as the bank will see them, in their order."""
    items = batch.items.select_related("payable__payee", "bank_account").order_by("position")
    return [
        Payment(
            end_to_end_id=item.end_to_end_id,
            payee=item.payable.payee.name,
            uscc=item.payable.payee.uscc,
            account_name=item.bank_account.name,
            account_number=item.bank_account.number,
            bank=item.bank_account.bank,
            amount_fen=item.amount_fen,
            cnaps=item.bank_account.cnaps,
            purpose=item.payable.reference,
        )
        for item in items
    ]


def content_of(batch: PayoutBatch) -> tuple[int, int, str]:
    """Control total in fen, count, and SHA-256 of the canonical list of payments.

    The payee's registered name may change later and is left out; its USCC stays.
    """
    payments = payments_of(batch)
    body = {
        "batch": batch.pk,
        "payments": [
            {
                key: value
                for key, value in asdict(each).items()
                # An unknown CNAPS code is left out, as in batches frozen before there were any.
                if key != "payee" and (key, value) != ("cnaps", None)
            }
            for each in payments
        ],
    }
    return (
        sum(each.amount_fen for each in payments),
        len(payments),
        sha256_hex(canonical_json(body)),
    )


@dataclass(frozen=True)
class BatchWarning:
    """Something a checker should look at before signing. `code` is stable."""

    code: str
    end_to_end_id: str
    detail: str


def batch_warnings(batch: PayoutBatch) -> list[BatchWarning]:
    """Accounts shared with another organization, and accounts changed since the last payment."""
    items = list(batch.items.select_related("payable", "bank_account").order_by("position"))
    numbers = {item.bank_account.number for item in items}
    owners: dict[str, set[int]] = {}
    shared = BankAccount.objects.filter(number__in=numbers).exclude(state="retired")
    for number, owner in shared.values_list("number", "organization_id"):
        owners.setdefault(number, set()).add(owner)
    last_paid: dict[int, str] = dict(
        PayoutItem.objects.filter(
            payable__payee_id__in={item.payable.payee_id for item in items}, state="paid"
        )
        .exclude(batch=batch)
        .order_by("answered_at", "pk")
        .values_list("payable__payee_id", F("bank_account__number"))
    )
    found = []
    for item in items:
        number = item.bank_account.number
        if len(owners.get(number, ())) > 1:
            found.append(BatchWarning("account_shared", item.end_to_end_id, number[-4:]))
        before = last_paid.get(item.payable.payee_id)
        if before is not None and before != number:
            found.append(
                BatchWarning(
                    "account_changed", item.end_to_end_id, f"{before[-4:]} → {number[-4:]}"
                )
            )
    return found


def tranches_visible_to(actor: Actor) -> QuerySet[Tranche]:
    """Those of an issuer's own envelopes; an auditor's all."""
    rows = Tranche.objects.select_related("envelope__issuer", "envelope__book")
    return rows if sees_everything(actor) else rows.filter(envelope__issuer=actor.organization_id)


def adjustments_visible_to(actor: Actor) -> QuerySet[Adjustment]:
    """Those of an issuer's own envelopes; an auditor's all."""
    rows = Adjustment.objects.select_related("envelope__issuer", "envelope__book", "to_envelope")
    return rows if sees_everything(actor) else rows.filter(envelope__issuer=actor.organization_id)


def enquiries_visible_to(actor: Actor) -> QuerySet[BankEnquiry]:
    """Those about an issuer's own payments; an auditor's all."""
    rows = BankEnquiry.objects.select_related("item__batch__issuer", "item__payable")
    if sees_everything(actor):
        return rows
    return rows.filter(item__batch__issuer=actor.organization_id)


def suspense_visible_to(actor: Actor) -> QuerySet[SuspenseEntry]:
    """An issuer's own; an auditor's all."""
    rows = SuspenseEntry.objects.select_related("issuer", "book", "item")
    return rows if sees_everything(actor) else rows.filter(issuer=actor.organization_id)


def recoveries_visible_to(actor: Actor) -> QuerySet[RecoveryCase]:
    """An issuer's own, those against one's own organization once served; an auditor's all."""
    rows = RecoveryCase.objects.select_related(
        "issuer", "debtor", "original_debtor", "book", "payable"
    )
    if sees_everything(actor):
        return rows
    return rows.filter(
        Q(issuer=actor.organization_id)
        | (Q(debtor=actor.organization_id) & ~Q(state=RecoveryCase.State.OPENED))
    )


def write_offs_visible_to(actor: Actor) -> QuerySet[WriteOff]:
    """Those of an issuer's own cases; an auditor's all."""
    rows = WriteOff.objects.select_related("case__issuer", "case__payable", "case__book")
    return rows if sees_everything(actor) else rows.filter(case__issuer=actor.organization_id)
