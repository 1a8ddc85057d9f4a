"""The tests' own database: shared by runs, reused when clean, stopped by the last."""

import textwrap
from pathlib import Path

import pytest

from deploy.local import postgres
from tests import embedded_database
from tests.deploy import machine

pytestmark = pytest.mark.slow
JOIN = """
import os, sys
from pathlib import Path
from tests import embedded_database
embedded_database.join(Path(sys.argv[1]))
print(os.environ["DATABASE_URL"], flush=True)
"""


@pytest.fixture
def var(tmp_path: Path):
    path = tmp_path / "var"
    yield path
    if (path / "test-postgres").exists():
        postgres.forget(path / "test-postgres")


def join(var: Path, *more: str):
    done = machine.run_python(JOIN + textwrap.dedent("\n".join(more)), str(var))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_last_to_leave_stops_the_server(var):
    url, inner, still_up = join(
        var,
        """
        import subprocess
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        code = ("import os, sys; from pathlib import Path; from tests import embedded_database;"
                "embedded_database.join(Path(sys.argv[1])); print(os.environ['DATABASE_URL'])")
        done = subprocess.run([sys.executable, "-c", code, sys.argv[1]], env=environment,
                              capture_output=True, text=True, check=True)
        print(done.stdout.strip())
        from deploy.local import postgres
        print(postgres.running(Path(sys.argv[1]) / "test-postgres") is not None)
        """,
    )
    assert "suanquan_00" in url
    assert "suanquan_01" in inner  # a database of its own on the same server
    assert url.partition("?")[2] == inner.partition("?")[2]
    assert still_up == "True"
    assert postgres.running(var / "test-postgres") is None


CREATE = """
import psycopg
url = os.environ["DATABASE_URL"].replace("/suanquan_00", "/postgres")
with psycopg.connect(url, autocommit=True) as connection:
    connection.execute("CREATE DATABASE test_suanquan_00")
"""
LOOK = """
import psycopg
url = os.environ["DATABASE_URL"].replace("/suanquan_00", "/postgres")
with psycopg.connect(url) as connection:
    print(connection.execute(
        "SELECT count(*) FROM pg_database WHERE datname ~ '^test_'").fetchone()[0])
"""


def test_a_clean_run_leaves_its_database_to_the_next(var):
    join(var, CREATE, "embedded_database.note_end(0)")
    assert join(var, LOOK)[-1] == "1"


def test_the_database_of_a_run_that_ended_badly_is_not_reused(var):
    join(var, CREATE, "embedded_database.note_end(2)")
    assert join(var, LOOK)[-1] == "0"


def test_the_database_of_a_killed_run_is_not_reused_but_its_server_is(var):
    killed = machine.run_python(JOIN + CREATE + "os.kill(os.getpid(), 9)", str(var))
    assert killed.returncode == -9
    left = postgres.running(var / "test-postgres")
    assert left is not None
    assert join(var, LOOK)[-1] == "0"
    assert postgres.running(var / "test-postgres") is None


def test_other_migrations_mean_another_database(var):
    join(var, CREATE, "embedded_database.note_end(0)")
    (var / "test-postgres.slot00.schema").write_text("of yesterday")
    assert join(var, LOOK)[-1] == "0"


def test_a_database_that_was_named_is_used(var, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql:///theirs")
    embedded_database.join(var)
    assert not var.exists()
