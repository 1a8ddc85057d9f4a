"""The disk fills up under load: what cannot be written is refused whole."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.binaries import server_account
from tests.drills.conftest import Town
from tests.journeys.conftest import wait_until

pytestmark = pytest.mark.slow
ORDERS = 2000
SPARE_BYTES, ENOUGH = 256 * 1024, "64m"
TABLES = ("ledger_transfer", "ledger_posting", "vouchers_redemption", "audit_auditevent")


@pytest.fixture
def small_disk(town: Town) -> Iterator[Path]:
    """A file system of its own that holds what the tables above write from now on."""
    assert town.server.cluster is not None
    place = town.server.cluster.parent / "small-disk"
    place.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ENOUGH},mode=0700", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    if account := server_account():
        os.chown(place, account.uid, account.gid)
    with psycopg.connect(town.server.url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        move(connection, "small")
    try:
        yield place
    finally:
        resize(place, ENOUGH)
        with psycopg.connect(town.server.url, autocommit=True) as connection:
            move(connection, "pg_default")
            connection.execute("DROP TABLESPACE small")
        subprocess.run(["umount", place], check=True)


def move(connection: psycopg.Connection, tablespace: str) -> None:
    for table in TABLES:
        connection.execute(f"ALTER TABLE {table} SET TABLESPACE {tablespace}")


def resize(place: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)


def test_a_full_disk_refuses_and_takes_nothing(town: Town, small_disk: Path):
    used = sum(each.stat().st_blocks * 512 for each in small_disk.rglob("*") if each.is_file())
    resize(small_disk, str(used + SPARE_BYTES))
    spending = town.begin_spending(ORDERS)
    wait_until("a full disk", lambda: "DiskFull" in spending.errors())
    answered = len(spending.redeemed())
    assert spending.process.poll() is None
    town.verify_books()
    resize(small_disk, ENOUGH)
    spending.wait_for(answered + 1)
    spending.end()
    assert answered < ORDERS
    town.require_each_once()
    town.verify_books()
