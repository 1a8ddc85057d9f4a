"""The database is killed under load, twice; what was acknowledged stands."""

import pytest

from tests.drills.conftest import Town

pytestmark = pytest.mark.slow
ORDERS = 2000


def test_a_database_killed_twice_under_load_keeps_every_acknowledged_fen(town: Town):
    spending = town.begin_spending(ORDERS)
    for answers in (ORDERS // 10, ORDERS // 2):
        spending.wait_for(answers)
        assert spending.process.poll() is None, "the load ended before the database was killed"
        town.kill_database()
        town.start_database()
    spending.end()
    assert spending.errors(), "nobody noticed that the database died"
    town.require_each_once()
    town.verify_books()
