"""Redemptions per second through the whole of Django and DRF, on one budget row.

Two processes send requests to the WSGI application in place: middleware, API key, validation,
terms, redemption, audit event and answer are all there; only the socket is not.
"""

import json
import multiprocessing
import os
import random
import time
from io import BytesIO
from typing import Any
from uuid import uuid4

from tests.benchmarks.money._books import Books, books
from tests.benchmarks.money.reference import Reference, emit, rate_of

PROCESSES = 2


def figures(reference: Reference, *, rounds: int = 5, seconds: int = 3) -> None:
    """Print the figure of the API's path."""
    made = books()
    keys = _keys(made)
    works = {"DRF, one budget row": lambda s: _all(made, keys, s)}
    for measured in reference.interleaved(works, rounds=rounds, seconds=seconds):
        detail = {**measured.detail, "must_reach": 0.2, "processes": PROCESSES}
        emit("money", f"redemption: {measured.figure}", measured.ratio, "ratio", detail)


def _keys(made: Books) -> list[str]:
    from identity.models import Membership
    from tests.factories import make_key

    return [
        make_key(Membership.objects.get(user_id=person, organization_id=organization))
        for person, organization, _vouchers in made.many
    ]


def _all(made: Books, keys: list[str], seconds: int) -> float:
    from django.db import connection

    connection.close()
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        return sum(pool.starmap(_client, [(made, keys, seconds)] * PROCESSES))


def _client(made: Books, keys: list[str], seconds: int) -> float:
    from django.db import connection

    from marketplace.wsgi import application as wsgi

    connection.close()
    application: Any = wsgi
    chance = random.Random(time.monotonic_ns() + os.getpid())

    def one() -> int:
        turn = chance.randrange(len(keys))
        voucher = chance.randint(*made.many[turn][2])
        body = json.dumps(
            {
                "order_reference": str(uuid4()),
                "order_amount_fen": 1000,
                "amount_fen": 100,
                "provider": chance.randint(*made.providers),
            }
        ).encode()
        status: list[str] = []
        answer = application(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": f"/api/v1/vouchers/{voucher}/redeem",
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_AUTHORIZATION": keys[turn],
                "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": BytesIO(body),
                "wsgi.url_scheme": "http",
                "wsgi.errors": BytesIO(),
            },
            lambda text, headers, error=None: status.append(text),
        )
        said = b"".join(answer)
        answer.close()
        if not status[0].startswith("200"):
            raise RuntimeError(f"{status[0]}: {said[:500]!r}")
        return 1

    one()
    return rate_of(one, seconds=seconds)
