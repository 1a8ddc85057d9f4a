"""What every test needs."""

from collections.abc import Iterator

import django
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import embedded_database

# A busy machine is no defect of what is tested: how fast examples are drawn says nothing.
hypothesis_settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")

embedded_database.join()  # before Django reads its settings
django.setup()  # a folder named on the command line has its conftest imported before pytest-django


def pytest_configure() -> None:
    # pytest-django sets Django up only once the settings are loaded.
    assert settings.DATABASES


def pytest_sessionfinish(exitstatus: int) -> None:
    embedded_database.note_end(exitstatus)


@pytest.fixture(autouse=True, scope="session")
def _passwords_are_hashed_quickly() -> None:
    """A slow hash protects people; in tests it only costs half a second for each of them."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def _emptying_between_tests_passes_the_guards() -> Iterator[None]:
    """After a transactional test, the tables it wrote to are emptied.

    Django empties all of them and makes permissions anew: half a second, and our guards refuse
    TRUNCATE, as they must. Only the emptying runs with triggers off (`session_replication_role`),
    never a test. What Django's own bookkeeping holds stays.
    """
    kept = {"django_migrations", "django_content_type", "auth_permission"}
    empty = TransactionTestCase._fixture_teardown

    def written_to_only(_self: TransactionTestCase) -> None:
        tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - kept)
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join(
                    f"(SELECT '{table}' FROM {connection.ops.quote_name(table)} LIMIT 1)"
                    for table in tables
                )
            )
            written = [connection.ops.quote_name(row[0]) for row in cursor.fetchall()]
            cursor.execute("SET session_replication_role = replica")
            try:
                for table in written:
                    cursor.execute(f"DELETE FROM {table}")
            finally:
                cursor.execute("SET session_replication_role = origin")

    TransactionTestCase._fixture_teardown = written_to_only
    yield
    TransactionTestCase._fixture_teardown = empty


@pytest.fixture(autouse=True, scope="session")
def _no_bell_rings_in_tests() -> None:
    """A commit in a test reaches no broker; one that wants it calls marketplace.doorbell.fit."""
    from audit.outbox import doorbell

    doorbell.listen(lambda: None)
