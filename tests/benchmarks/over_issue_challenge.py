"""The public over-issue challenge: 64 workers, 10,000 claims, one envelope with too little in it.

    make challenge            the product: every claim by its own transaction, repetitions included
    UNSAFE=1 make challenge   how it is commonly written: read what is left, decide, write back

Prints what was issued beyond the envelope, deadlocks, p50 and p99, and ends with verify_books. The
unsafe variant lives in this file only, on a table of its own.
"""

import contextlib
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

WORKERS, CLAIMS, ENOUGH_FOR = 64, 10_000, 6_000
ODD_FEN = 1  # the tranche is no multiple of the face value: the last claim gets what is left
REPEATED = 0.05  # of the claims are sent twice, as impatient people do
STAGE = "over_issue_challenge"
Worker = Callable[[int], list[float]]


def main() -> int:
    """Prepare a database of its own and run the challenge in it."""
    server = os.environ["DATABASE_URL"]
    head, mark, options = server.partition("?")
    stage = f"{head.rpartition('/')[0]}/{STAGE}{mark}{options}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {STAGE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {STAGE}")
    try:
        quiet = {"LOG_LEVEL": "ERROR", "DATABASE_POOL": "0", "DATABASE_CONN_MAX_AGE": "600"}
        environment = {**os.environ, **quiet, "DATABASE_URL": stage}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=environment, check=True)
        again = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.over_issue_challenge"]
        return subprocess.run([*again, "run"], env=environment, check=False).returncode
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {STAGE} WITH (FORCE)")


def run() -> int:
    import django

    django.setup()
    from audit.outbox import doorbell

    doorbell.listen(lambda: None)  # nobody works on the news of a challenge
    unsafe = os.environ.get("UNSAFE", "") not in ("", "0")
    return (unsafe_challenge if unsafe else challenge)()


def challenge() -> int:
    """The product's own path. 0 when nothing was over-issued and the books are sound."""
    from django.core.management import CommandError, call_command

    from tests.benchmarks.money._claim_stage import enterprises_of_load, stage_window
    from tests.vouchers.windows import FACE_FEN
    from treasury.queries import envelope_figures
    from vouchers.actions.answer_claims import answer_claims
    from vouchers.actions.make_out_vouchers import make_out_vouchers
    from vouchers.claiming.claim_batch import Answered, AskedClaim

    window = stage_window(CLAIMS, tranche_fen=ENOUGH_FOR * FACE_FEN - ODD_FEN)
    enterprises = enterprises_of_load(CLAIMS)

    def work(worker: int) -> list[float]:
        chance, taken = random.Random(worker), []
        for enterprise in enterprises[worker::WORKERS]:
            for _ in range(1 + (chance.random() < REPEATED)):
                began = time.perf_counter()
                claim = AskedClaim(enterprise, None, f"challenge-{enterprise}")
                (answer,) = answer_claims(window_id=window.pk, claims=[claim])
                taken.append(time.perf_counter() - began)
                assert isinstance(answer, Answered), answer
        return taken

    before = deadlocks()
    taken, seconds = all_at_once(work)
    issued = make_out_vouchers(window_id=window.pk, at_most=CLAIMS)
    window.refresh_from_db()
    granted_fen = sum(
        window.answers.filter(granted_fen__isnull=False).values_list("granted_fen", flat=True)
    )
    figures = envelope_figures(window.envelope)
    over_fen = max(granted_fen, figures.in_vouchers_fen) - figures.appropriated_fen
    report(
        taken,
        seconds,
        {
            "workers": WORKERS,
            "claims": f"{len(taken):,} of {CLAIMS:,} enterprises",
            "envelope": f"{figures.appropriated_fen:,} fen",
            "granted": f"{granted_fen:,} fen in {issued:,} vouchers",
            "left": f"{figures.available_fen + figures.committed_fen:,} fen",
            "waiting": f"{window.answers.filter(state='waiting').count():,}",
            "over-issue": f"{max(over_fen, 0):,} fen",
            "deadlocks": deadlocks() - before,
        },
    )
    try:
        call_command("verify_books")
    except CommandError as violated:
        print(violated, file=sys.stderr)
        return 1
    return int(over_fen > 0)


def unsafe_challenge() -> int:
    """Read, decide, write: correct for one worker, wrong for two."""
    from django.db import connection, transaction

    from tests.vouchers.windows import FACE_FEN

    budget_fen = ENOUGH_FOR * FACE_FEN - ODD_FEN
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE unsafe_budget (left_fen bigint)")
        cursor.execute("CREATE TABLE unsafe_voucher (enterprise bigint, face_fen bigint)")
        cursor.execute("INSERT INTO unsafe_budget VALUES (%s)", [budget_fen])

    def work(worker: int) -> list[float]:
        taken = []
        for enterprise in range(worker, CLAIMS, WORKERS):
            began = time.perf_counter()
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT left_fen FROM unsafe_budget")
                (left_fen,) = cursor.fetchone()
                if left_fen > 0:
                    face_fen = min(FACE_FEN, left_fen)
                    cursor.execute(
                        "INSERT INTO unsafe_voucher VALUES (%s, %s)", [enterprise, face_fen]
                    )
                    cursor.execute("UPDATE unsafe_budget SET left_fen = %s", [left_fen - face_fen])
            taken.append(time.perf_counter() - began)
        return taken

    before = deadlocks()
    taken, seconds = all_at_once(work)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(face_fen) FROM unsafe_voucher")
        issued, issued_fen = cursor.fetchone()
    report(
        taken,
        seconds,
        {
            "workers": WORKERS,
            "claims": f"{len(taken):,} (UNSAFE: read, decide, write back)",
            "envelope": f"{budget_fen:,} fen",
            "granted": f"{issued_fen:,} fen in {issued:,} vouchers",
            "over-issue": f"{max(issued_fen - budget_fen, 0):,} fen",
            "deadlocks": deadlocks() - before,
        },
    )
    return 0


def all_at_once(work: Worker) -> tuple[list[float], float]:
    """Every worker in a thread and a connection of its own, begun together; their latencies."""
    taken: list[float] = []
    failed: list[BaseException] = []
    start = threading.Barrier(WORKERS + 1)

    def run_one(worker: int) -> None:
        with own_connection():
            start.wait()
            try:
                taken.extend(work(worker))
            except BaseException as error:
                failed.append(error)

    threads = [threading.Thread(target=run_one, args=[worker]) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return taken, time.perf_counter() - began


@contextlib.contextmanager
def own_connection() -> Iterator[None]:
    from django.db import connection

    connection.ensure_connection()
    try:
        yield
    finally:
        connection.close()


def deadlocks() -> int:
    """Deadlocks PostgreSQL has counted in this database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def report(taken: list[float], seconds: float, facts: dict[str, Any]) -> None:
    points = statistics.quantiles(taken, n=100)
    facts |= {
        "p50": f"{points[49] * 1000:.1f} ms",
        "p99": f"{points[98] * 1000:.1f} ms",
        "rate": f"{len(taken) / seconds:,.0f} claims/s",
    }
    for name, value in facts.items():
        print(f"{name:>11}  {value}")


if __name__ == "__main__":
    sys.exit(run() if sys.argv[1:] == ["run"] else main())
