"""python -m marketplace.sandbox_gateway --host 127.0.0.1 --port 8801 --state FILE --webhook-url URL

STRIPE_WEBHOOK_SECRET (`whsec_…`) signs the webhooks and has no default. The webhook address may
also come from STRIPE_WEBHOOK_URL; without one, events are kept and not sent.
"""

import argparse
import asyncio
import os
import sys

from marketplace.sandbox_gateway.app import gateway_app
from marketplace.sandbox_gateway.deliver_webhooks import WebhookTarget, deliver_forever
from marketplace.sandbox_gateway.payouts import settle_forever
from marketplace.sandbox_gateway.store import Store
from scheduling.platforms.sandbox_server.serve import serve


def main() -> int:
    """Read arguments and environment, serve until told to stop; 2 where the secret is missing."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.sandbox_gateway")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8801)
    parser.add_argument("--state", default=":memory:", help="SQLite file that survives a restart")
    parser.add_argument("--webhook-url", default=os.environ.get("STRIPE_WEBHOOK_URL", ""))
    parser.add_argument("--backoff-seconds", type=float, default=0.2)
    options = parser.parse_args()
    secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    if not secret:
        print("Set STRIPE_WEBHOOK_SECRET.", file=sys.stderr)
        return 2
    target = WebhookTarget(
        url=options.webhook_url, secret=secret, backoff_seconds=options.backoff_seconds
    )
    store = Store(options.state)

    async def work() -> None:
        await asyncio.gather(deliver_forever(store, target), settle_forever(store))

    asyncio.run(serve(gateway_app(store), host=options.host, port=options.port, beside=work))
    return 0


sys.exit(main())
