"""Post a batch of transfers by the one SQL function that writes them.

    ledger_post_batch(transfers jsonb)
        RETURNS TABLE (ordinal int, reference text, outcome text, transfer_id bigint, detail text)

`transfers` is an array; each element is an object with

    reference, body_hash   what makes a repetition recognizable
    kind, book_id, effective_at, policy_version, reverses_id, person_id
    postings               [[source account id, destination account id, fen], …]
    hold                   {reference, deadline_at}: the first posting is set aside until then
    resolve                {hold_id, outcome, posted_fen, resolved_at}: this transfer ends that hold

The answer has a row for each element (`ordinal` counts from 1), whose `outcome` is

    posted         written now
    replayed       the same reference and body were written before, or stand earlier in the batch
    conflict       the reference was written before with another body
    insufficient   an account (`detail`: its code) would fall below its floor
    closed         the book is closed, or the period is (`detail`: "book" or "period")
    reversed       what it would reverse was reversed before (`detail`: by which reference)
    hold_resolved, hold_expired, hold_not_due, invalid   (`detail` says how, when, why)

A batch equals the same transfers posted one by one in the given order: a refused one leaves nothing
and fails no neighbor, and floors are exact to the fen. `effective_at` is not part of `body_hash`.
Accounts that refuse something are locked in the order (lock_rank, id), the busy ones last, until
the transaction ends. The function runs with the rights of the migrations' role; the application
may execute it and may not write the tables. Needs READ COMMITTED.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Actor
from ledger.models import Account, Hold, Transfer
from ledger.money import is_amount
from ledger.refusals import InvalidPosting


@dataclass(frozen=True)
class Move:
    """From `source` to `destination`, `amount_fen` (a positive whole number of fen)."""

    source: Account
    destination: Account
    amount_fen: int


@dataclass(frozen=True)
class SetAside:
    """The first posting of a transfer is held under `reference` until `deadline_at`."""

    reference: str
    deadline_at: datetime


@dataclass(frozen=True)
class Resolve:
    """The transfer ends `hold`: "posted" with `posted_fen`, "voided" or "expired" with 0."""

    hold: Hold
    outcome: str
    posted_fen: int
    resolved_at: datetime


@dataclass(frozen=True)
class Asked:
    """One transfer that is asked for. Raises InvalidPosting for what can never be posted."""

    reference: str
    kind: str
    moves: Sequence[Move]
    effective_at: datetime
    actor: Actor
    policy_version: str | None = None
    reverses: Transfer | None = None
    set_aside: SetAside | None = None
    resolve: Resolve | None = None

    def __post_init__(self) -> None:
        if not self.moves:
            raise InvalidPosting(why="a transfer moves something")
        if len({each.book_id for move in self.moves for each in _ends(move)}) > 1:
            raise InvalidPosting(why="all accounts of a transfer are in one book")
        for move in self.moves:
            if not is_amount(move.amount_fen):
                raise InvalidPosting(
                    field="amount_fen", why=f"{move.amount_fen!r} is not a positive number of fen"
                )
            if move.source.pk == move.destination.pk:
                raise InvalidPosting(why="source and destination are the same account")

    def body_hash(self) -> str:
        """SHA-256 of what the transfer does. Not of when: a retry comes later and is the same."""
        body = {
            "kind": self.kind,
            "moves": self._postings(),
            "policy_version": self.policy_version,
            "reverses": self.reverses.pk if self.reverses else None,
        }
        return sha256_hex(canonical_json(body))

    def as_element(self) -> dict[str, Any]:
        """The element of `transfers` that asks for this one."""
        element: dict[str, Any] = {
            "reference": self.reference,
            "body_hash": self.body_hash(),
            "kind": self.kind,
            "book_id": self.moves[0].source.book_id,
            "effective_at": self.effective_at,
            "policy_version": self.policy_version,
            "reverses_id": self.reverses.pk if self.reverses else None,
            "person_id": self.actor.person_id,
            "postings": self._postings(),
        }
        if self.set_aside is not None:
            element["hold"] = {
                "reference": self.set_aside.reference,
                "deadline_at": self.set_aside.deadline_at,
            }
        if self.resolve is not None:
            element["resolve"] = {
                "hold_id": self.resolve.hold.pk,
                "outcome": str(self.resolve.outcome),
                "posted_fen": self.resolve.posted_fen,
                "resolved_at": self.resolve.resolved_at,
            }
        return element

    def _postings(self) -> list[list[int]]:
        return [[move.source.pk, move.destination.pk, move.amount_fen] for move in self.moves]


@dataclass(frozen=True)
class Answer:
    """What became of one element: `outcome` and `detail` as the module says."""

    reference: str
    outcome: str
    transfer_id: int | None
    detail: str | None


def post_batch(asked: Sequence[Asked]) -> list[Answer]:
    """Post `asked` in one round trip; the answers in the same order. Refuses by outcome, not raise.

    Must run in the transaction of what the transfers belong to; alone it is a transaction itself.
    """
    batch = canonical_json([each.as_element() for each in asked])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reference, outcome, transfer_id, detail FROM ledger_post_batch(%s::jsonb)"
            " ORDER BY ordinal",
            [batch],
        )
        return [Answer(*row) for row in cursor.fetchall()]


def lock_accounts(accounts: Sequence[Account]) -> dict[int, int]:
    """Lock the accounts that refuse something, in the common order, until the transaction ends.

    Returns their balances in fen, by id, as they are under the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, balance_fen FROM ledger_lock_accounts(%s)",
            [[account.pk for account in accounts]],
        )
        return dict(cursor.fetchall())


def _ends(move: Move) -> tuple[Account, Account]:
    return move.source, move.destination
