"""Post a transfer: all of its postings or none, once for its reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Actor
from ledger.models import Account, Book, Posting, Transfer
from ledger.money import is_amount
from ledger.refusals import BookClosed, InsufficientFunds, InvalidPosting, ReferenceReused


@dataclass(frozen=True)
class Move:
    """From `source` to `destination`, `amount_fen` (a positive whole number of fen)."""

    source: Account
    destination: Account
    amount_fen: int


def post_transfer(
    *,
    reference: str,
    kind: str,
    moves: Sequence[Move],
    effective_at: datetime,
    actor: Actor,
    policy_version: str | None = None,
    reverses: Transfer | None = None,
) -> Transfer:
    """Post `moves` as one transfer and return it; the same reference and body returns the first.

    Raises InvalidPosting, InsufficientFunds, BookClosed, or ReferenceReused when the reference
    carried another body. Nothing is left behind by a refusal.
    """
    book = _check(moves)
    body_hash = _body_hash(kind, moves, policy_version, reverses)
    try:
        with transaction.atomic():
            lock_accounts(
                [account for move in moves for account in (move.source, move.destination)]
            )
            transfer, created = Transfer.objects.get_or_create(
                reference=reference,
                defaults={
                    "body_hash": body_hash,
                    "kind": kind,
                    "book": book,
                    "effective_at": effective_at,
                    "policy_version": policy_version,
                    "reverses": reverses,
                    "person_id": actor.person_id,
                },
            )
            if created:
                Posting.objects.bulk_create(
                    Posting(
                        transfer=transfer,
                        source=move.source,
                        destination=move.destination,
                        amount_fen=move.amount_fen,
                    )
                    for move in moves
                )
    except IntegrityError as error:
        raise _named(error, moves, book) from error
    if transfer.body_hash != body_hash:
        raise ReferenceReused(reference=reference)
    return transfer


def lock_accounts(accounts: Sequence[Account]) -> None:
    """Lock the accounts that refuse something, in ascending order, until the transaction ends."""
    ids = {account.pk for account in accounts if account.floor_fen is not None}
    list(Account.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))


def _check(moves: Sequence[Move]) -> Book:
    if not moves:
        raise InvalidPosting(why="a transfer moves something")
    books = {account.book_id for move in moves for account in (move.source, move.destination)}
    if len(books) > 1:
        raise InvalidPosting(why="all accounts of a transfer are in one book")
    for move in moves:
        if not is_amount(move.amount_fen):
            raise InvalidPosting(
                field="amount_fen", why=f"{move.amount_fen!r} is not a positive number of fen"
            )
        if move.source.pk == move.destination.pk:
            raise InvalidPosting(why="source and destination are the same account")
    return moves[0].source.book


def _body_hash(
    kind: str,
    moves: Sequence[Move],
    policy_version: str | None,
    reverses: Transfer | None,
) -> str:
    # Not the effective time: a retry comes later and is still the same transfer.
    body = {
        "kind": kind,
        "moves": [[move.source.pk, move.destination.pk, move.amount_fen] for move in moves],
        "policy_version": policy_version,
        "reverses": reverses.pk if reverses else None,
    }
    return sha256_hex(canonical_json(body))


def _named(error: IntegrityError, moves: Sequence[Move], book: Book) -> Exception:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    if constraint == "an_account_never_falls_below_its_floor":
        move = max(moves, key=lambda each: each.amount_fen)
        return InsufficientFunds(account=move.source.code, amount_fen=move.amount_fen)
    if constraint == "a_transfer_needs_an_open_book":
        return BookClosed(book=str(book))
    return error
