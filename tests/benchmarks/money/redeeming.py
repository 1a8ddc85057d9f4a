"""Redemptions per second in the database, and the naive way beside each."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from tests.benchmarks.money._books import Books, books
from tests.benchmarks.money.reference import CLIENTS, Reference, emit, rate_of, script_rate

BATCH = 100
BATCHES_AHEAD = 150  # made up before the clock starts, for each second that is timed
MUST = {"one call, spread": 1.2, "one call, one budget row": 0.6, "batches, one budget row": 2.5}
ONE_CALL = r"""
\set voucher random({0}, {1})
\set provider random({2}, {3})
\set one random(1, 1000000000000)
\set two random(1, 1000000000000)
SELECT outcome FROM redeem_batch('[{{"voucher_id": :voucher, "order_reference": "b-:one-:two",
    "provider_id": :provider, "amount_fen": 100, "person_id": {4}, "organization_id": {5},
    "label": "bench"}}]', now());
"""


def figures(reference: Reference, *, rounds: int = 5, seconds: int = 3) -> None:
    """Print the redemption figures."""
    made = books()
    said: Counter[str] = Counter()
    works: dict[str, Callable[[int], float]] = {
        "one call, spread": lambda s: _one_call(made, made.spread, s),
        "one call, one budget row": lambda s: _one_call(made, made.hot, s),
        "batches, one budget row": lambda s: _batches(made, s, said),
        "batches, one budget row, refusals in each": lambda s: _batches(made, s, None, refused=5),
        "naive ORM, spread": lambda s: _naive(made, made.spread, s),
        "naive ORM, one budget row": lambda s: _naive(made, made.hot, s),
    }
    for measured in reference.interleaved(works, rounds=rounds, seconds=seconds):
        detail = {**measured.detail, "must_reach": MUST.get(measured.figure)}
        if measured.figure == "batches, one budget row":
            detail["answers"] = dict(said)
        emit("money", f"redemption: {measured.figure}", measured.ratio, "ratio", detail)


def _one_call(made: Books, vouchers: tuple[int, int], seconds: int) -> float:
    ids = (*vouchers, *made.providers, made.person_id, made.holder_id)
    return script_rate(ONE_CALL.format(*ids), seconds=seconds, url=made.url)


def _requests(made: Books, refused: int) -> Iterator[list[dict[str, object]]]:
    """Batches of BATCH: 4 in 100 repeat one of the same batch, 4 one of an earlier batch.

    `refused` in 100 ask for more than any voucher holds.
    """
    chance = random.Random(1)
    earlier: list[dict[str, object]] = []
    while True:
        batch: list[dict[str, object]] = []
        for place in range(BATCH):
            if place % 25 == 24:
                batch.append(batch[chance.randrange(place)])
                continue
            if place % 25 == 12 and earlier:
                batch.append(chance.choice(earlier))
                continue
            batch.append(
                {
                    "voucher_id": chance.randint(*made.hot),
                    "order_reference": str(uuid4()),
                    "provider_id": chance.randint(*made.providers),
                    "amount_fen": 10**13 if place < refused else 100,
                    "person_id": made.person_id,
                    "organization_id": made.holder_id,
                    "label": "bench",
                }
            )
        earlier = batch[refused:]
        yield batch


def _batches(made: Books, seconds: int, said: "Counter[str] | None", *, refused: int = 0) -> float:
    """Requests answered per second by one client in batches."""
    endless = _requests(made, refused)
    batches = chain(list(islice(endless, seconds * BATCHES_AHEAD)), endless)
    with psycopg.connect(made.url, autocommit=True) as connection:

        def one() -> int:
            rows = connection.execute(
                "SELECT outcome FROM redeem_batch(%s, now())", [Jsonb(next(batches))]
            ).fetchall()
            if said is not None:
                said.update(row[0] for row in rows)
            return len(rows)

        return rate_of(one, seconds=seconds)


def _naive(made: Books, vouchers: tuple[int, int], seconds: int) -> float:
    """As many processes as the reference has clients, each redeeming by the ORM, row by row."""
    from django.db import connection

    connection.close()
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
        return sum(
            pool.starmap(_naive_client, [(made, vouchers, seconds, n) for n in range(CLIENTS)])
        )


def _naive_client(made: Books, vouchers: tuple[int, int], seconds: int, number: int) -> float:
    from django.db import connection

    connection.close()
    chance = random.Random(time.monotonic_ns() + number)
    try:
        return rate_of(
            lambda: _naive_redemption(
                made, chance.randint(*vouchers), chance.randint(*made.providers)
            ),
            seconds=seconds,
        )
    finally:
        connection.close()


def _naive_redemption(made: Books, voucher_id: int, provider_id: int) -> int:
    """What one writes first: lock, look, subtract, save, in one request's transaction."""
    from django.db import transaction
    from django.utils import timezone

    from audit.actions.record import record
    from audit.decisions import Actor
    from identity.models import Organization
    from ledger.models import Account, Posting, Transfer
    from vouchers.models import Redemption, Voucher

    actor = Actor(made.person_id, made.holder_id, "bench")
    order = str(uuid4())
    with transaction.atomic():
        voucher = Voucher.objects.select_for_update().get(pk=voucher_id)
        assert not Redemption.objects.filter(order_reference=order).exists()
        provider = Organization.objects.get(pk=provider_id)
        book = voucher.envelope.book
        assert voucher.available is not None
        earned, _created = Account.objects.get_or_create(
            book=book,
            code=f"rdm:{voucher.envelope_id}-{provider.pk}:earned",
            defaults={"floor_fen": 0},
        )
        moves = [(voucher.available, earned)]
        quota = Account.objects.filter(book=book, code=f"env:{voucher.envelope_id}:quota").first()
        if quota is not None:
            used = Account.objects.get(book=book, code=f"quota:{voucher.envelope_id}:used")
            moves.append((quota, used))
        for source, _destination in moves:
            held = Account.objects.select_for_update().get(pk=source.pk)
            assert held.balance_fen >= 100
        transfer = Transfer.objects.create(
            reference=f"naive:{order}", body_hash="", kind="redeem", book=book,
            effective_at=timezone.now(), policy_version=voucher.version.label,
        )  # fmt: skip
        for source, destination in moves:
            Posting.objects.create(
                transfer=transfer, source=source, destination=destination, amount_fen=100
            )
        redemption = Redemption.objects.create(
            voucher=voucher, version=voucher.version, order_reference=order, provider=provider,
            transfer=transfer, earned=earned, reserved_fen=100, committed_fen=100,
            reserved_at=timezone.now(), state="committed",
        )  # fmt: skip
        record("redemption.redeemed", subject=redemption, actor=actor, at=timezone.now())
    return 1
