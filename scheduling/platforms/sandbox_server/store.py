"""What the platform remembers: jobs, callbacks to deliver, faults to play. SQLite, WAL.

One connection, used from one thread: every change is one short transaction, and a SIGKILL between
two of them loses nothing that was answered.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    ref TEXT PRIMARY KEY,
    lease_id TEXT NOT NULL UNIQUE,
    terms_hash TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    sequence INTEGER NOT NULL DEFAULT 0,
    done_hours TEXT NOT NULL DEFAULT '0',
    started_at TEXT,
    ended_at TEXT,
    running_since_s REAL,
    next_step_s REAL,
    planned_end TEXT
);
CREATE INDEX IF NOT EXISTS job_due ON job (next_step_s) WHERE next_step_s IS NOT NULL;
CREATE TABLE IF NOT EXISTS callback (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    ref TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    forged INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    due_s REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delivered_s REAL,
    gave_up INTEGER NOT NULL DEFAULT 0,
    last_answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS callback_due ON callback (due_s)
    WHERE delivered_s IS NULL AND held = 0 AND gave_up = 0;
CREATE TABLE IF NOT EXISTS fault (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    lease_id TEXT,
    remaining INTEGER NOT NULL,
    after_fraction TEXT NOT NULL DEFAULT '0.5'
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
