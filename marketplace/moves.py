"""The drawn lines of the storefront's state machines: (from, to)."""

ORDER_MOVES = [("placed", "charged"), ("placed", "cancelled")]

REFUND_MOVES = [
    ("requested", "succeeded"),
    ("requested", "failed"),
    ("failed", "succeeded"),
]

PAYMENT_MOVES = [
    ("requested", "processing"),
    ("requested", "succeeded"),
    ("requested", "failed"),
    ("processing", "succeeded"),
    ("processing", "failed"),
    ("failed", "processing"),
    ("failed", "succeeded"),
]
