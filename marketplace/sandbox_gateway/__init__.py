"""A sandbox payment gateway: a separate process that speaks Stripe's wire format for what we use.

No money moves and no card exists. It keeps state, checks over-refunds, replays idempotent calls,
and signs and repeats webhooks. See docs/guides/sandbox.md and docs/decisions/0004.
"""
