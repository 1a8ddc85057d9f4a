"""What the gateway remembers: objects, money per account, keys, webhooks, faults. SQLite, WAL.

One connection, used from one thread: every change is one short transaction, and a SIGKILL between
two of them loses nothing that was answered.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marketplace.sandbox_gateway.refusals import no_such

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    body TEXT NOT NULL,
    settle_s REAL
);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, account, number);
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    source TEXT NOT NULL,
    amount INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS idempotency (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER,
    body TEXT,
    request_id TEXT,
    PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    body TEXT NOT NULL,
    forged INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    due_s REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delivered_s REAL,
    gave_up INTEGER NOT NULL DEFAULT 0,
    last_answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_s)
    WHERE delivered_s IS NULL AND held = 0 AND gave_up = 0;
CREATE TABLE IF NOT EXISTS fault (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    remaining INTEGER NOT NULL,
    seconds REAL NOT NULL
);
"""


class Store:
    """The open state file, or a state in memory that ends with the process."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute("PRAGMA busy_timeout=5000")
        self.connection.executescript(SCHEMA)
        # A call that was under way when the process was killed has left nothing but its key.
        self.connection.execute("DELETE FROM idempotency WHERE status IS NULL")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Never hold it across an `await`."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Every row."""
        return self.connection.execute(sql, values).fetchall()

    def find(self, kind: str, name: str, account: str = "", **refusal: Any) -> dict[str, Any]:
        """The object, or Refused `resource_missing`."""
        row = self.one(
            "SELECT body FROM object WHERE id = ? AND kind = ? AND account = ?", name, kind, account
        )
        if row is None:
            raise no_such(kind, name, **refusal)
        found: dict[str, Any] = json.loads(row["body"])
        return found

    def keep(self, thing: dict[str, Any], account: str = "") -> None:
        """Store an object, new or changed."""
        self.connection.execute(
            "INSERT INTO object (id, kind, account, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (thing["id"], thing["object"], account, json.dumps(thing)),
        )

    def post(self, account: str, source: str, amount: int) -> None:
        """Add fen to an account's balance, or take them, and remember why."""
        self.connection.execute(
            "INSERT INTO entry (account, source, amount) VALUES (?, ?, ?)",
            (account, source, amount),
        )

    def balance(self, account: str) -> int:
        """Fen an account has. The platform's own account is the empty text."""
        row = self.one("SELECT coalesce(sum(amount), 0) AS b FROM entry WHERE account = ?", account)
        assert row is not None
        return int(row["b"])
