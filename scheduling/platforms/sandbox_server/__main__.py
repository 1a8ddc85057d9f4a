"""python -m scheduling.platforms.sandbox_server --host 127.0.0.1 --port 8802 --state FILE

The secrets come from the environment: SANDBOX_PLATFORM_TOKEN (bearer token of callers) and
SANDBOX_PLATFORM_SECRET (`whsec_…`, signs callbacks). There are no defaults for them.
"""

import argparse
import asyncio
import os
import sys
from decimal import Decimal

from standardwebhooks import Webhook

from scheduling.platforms.sandbox_server.advance_jobs import advance_forever
from scheduling.platforms.sandbox_server.app import platform_app
from scheduling.platforms.sandbox_server.deliver_callbacks import deliver_forever
from scheduling.platforms.sandbox_server.pace import Pace
from scheduling.platforms.sandbox_server.serve import serve
from scheduling.platforms.sandbox_server.store import Store


def main() -> int:
    """Read arguments and environment, serve until told to stop; 2 where a secret is missing."""
    pace = Pace()
    parser = argparse.ArgumentParser(prog="python -m scheduling.platforms.sandbox_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8802)
    parser.add_argument("--state", default=":memory:", help="SQLite file that survives a restart")
    parser.add_argument("--seconds-per-hour", type=float, default=pace.seconds_per_hour)
    parser.add_argument("--usage-interval-hours", type=Decimal, default=pace.usage_interval_hours)
    parser.add_argument("--backoff-seconds", type=float, default=pace.backoff_seconds)
    options = parser.parse_args()
    token = os.environ.get("SANDBOX_PLATFORM_TOKEN", "")
    secret = os.environ.get("SANDBOX_PLATFORM_SECRET", "")
    if not token or not secret:
        print("Set SANDBOX_PLATFORM_TOKEN and SANDBOX_PLATFORM_SECRET.", file=sys.stderr)
        return 2
    try:
        Webhook(secret)
    except (ValueError, RuntimeError) as error:
        print(f"SANDBOX_PLATFORM_SECRET is no whsec_… secret: {error}", file=sys.stderr)
        return 2
    if options.seconds_per_hour <= 0 or options.usage_interval_hours <= 0:
        print("The pace must be above zero.", file=sys.stderr)
        return 2
    chosen = Pace(
        seconds_per_hour=options.seconds_per_hour,
        usage_interval_hours=options.usage_interval_hours,
        backoff_seconds=options.backoff_seconds,
    )
    store = Store(options.state)

    async def work() -> None:
        await asyncio.gather(advance_forever(store, chosen), deliver_forever(store, chosen, secret))

    asyncio.run(
        serve(platform_app(store, chosen, token), host=options.host, port=options.port, beside=work)
    )
    return 0


sys.exit(main())
