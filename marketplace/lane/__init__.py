"""The claim lane: a small ASGI application beside Django for the seconds when a window opens.

It answers ordinary claims in micro-batches and hands everything else to Django, which answers the
same address by the same rules. See docs/decisions/0009-claim-lane.md.
"""
