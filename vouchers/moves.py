"""The drawn lines of the programme office's state machines: (from, to)."""

PROGRAMME_MOVES = (
    ("draft", "active"),
    ("draft", "cancelled"),
    ("active", "suspended"),
    ("suspended", "active"),
    ("active", "closing"),
    ("suspended", "closing"),
    ("closing", "closed"),
)
POLICY_VERSION_MOVES = (
    ("draft", "submitted"),
    ("submitted", "half_approved"),
    ("submitted", "withdrawn"),
    ("half_approved", "approved"),
    ("half_approved", "twice_approved"),
    ("half_approved", "withdrawn"),
    ("twice_approved", "approved"),
    ("twice_approved", "withdrawn"),
    ("approved", "superseded"),
    ("approved", "withdrawn"),
)
APPLICATION_MOVES = (
    ("draft", "submitted"),
    ("submitted", "under_review"),
    ("submitted", "rejected"),
    ("under_review", "recommended"),
    ("under_review", "returned"),
    ("under_review", "rejected"),
    ("returned", "submitted"),
    ("recommended", "approved"),
    ("recommended", "rejected"),
    ("approved", "issued"),
    ("returned", "under_review"),
    ("rejected", "appealed"),
    ("appealed", "under_review"),
    ("appealed", "recommended"),
    ("appealed", "rejected"),
    ("draft", "withdrawn"),
    ("submitted", "withdrawn"),
    ("under_review", "withdrawn"),
    ("returned", "withdrawn"),
    ("recommended", "withdrawn"),
)
VOUCHER_MOVES = (
    ("issued", "claimed"),
    ("issued", "expired"),
    ("issued", "voided"),
    ("claimed", "suspended"),
    ("suspended", "claimed"),
    ("claimed", "expired"),
    ("suspended", "expired"),
    ("claimed", "voided"),
    ("suspended", "voided"),
)
REDEMPTION_MOVES = (
    ("reserved", "committed"),
    ("reserved", "released"),
    ("reserved", "lapsed"),
    ("committed", "payable"),
    ("committed", "returned"),
    ("payable", "settled"),
    ("settled", "payable"),  # the bank returned it later
)
AWARD_MOVES = (
    ("proposed", "half_approved"),
    ("half_approved", "approved"),
    ("half_approved", "public_notice"),
    ("public_notice", "approved"),
    ("proposed", "rejected"),
    ("half_approved", "rejected"),
    ("public_notice", "rejected"),
    ("approved", "paid"),
    ("paid", "approved"),  # the bank returned it later
)
CORRECTION_MOVES = (
    ("proposed", "half_approved"),
    ("half_approved", "approved"),
    ("proposed", "rejected"),
    ("half_approved", "rejected"),
    ("proposed", "superseded"),
    ("half_approved", "superseded"),
    ("approved", "paid"),
    ("paid", "approved"),  # the bank returned it later
)
ACCEPTANCE_MOVES = (
    ("proposed", "half_approved"),
    ("half_approved", "in_force"),
    ("proposed", "rejected"),
    ("half_approved", "rejected"),
    ("in_force", "ended"),
)
REGIONAL_CLEARING_MOVES = (
    ("closed", "half_confirmed"),
    ("half_confirmed", "closed"),
    ("half_confirmed", "confirmed"),
    ("half_confirmed", "settled"),
    ("confirmed", "settled"),
    ("settled", "confirmed"),
    ("closed", "aborted"),
)
WINDOW_MOVES = (
    ("drafted", "open"),
    ("drafted", "cancelled"),
    ("open", "drawn"),
    ("open", "closed"),
    ("drawn", "closed"),
)
ANSWER_MOVES = (
    ("entered", "waiting"),
    ("entered", "turned_away"),
    ("waiting", "granted"),
    ("waiting", "turned_away"),
    ("granted", "issued"),
    ("granted", "given_back"),
    ("issued", "given_back"),
)
CLAIM_MOVES = (
    ("draft", "submitted"),
    ("submitted", "auto_verified"),
    ("auto_verified", "in_review"),
    ("in_review", "returned"),
    ("returned", "in_review"),
    ("in_review", "public_notice"),
    ("public_notice", "approved"),
    ("approved", "paid"),
    ("paid", "approved"),  # the bank returned it later
    ("in_review", "rejected"),
    ("public_notice", "rejected"),
    ("rejected", "appealed"),
    ("appealed", "in_review"),
    ("appealed", "rejected"),
    ("in_review", "on_hold"),
    ("public_notice", "on_hold"),
    ("on_hold", "in_review"),
    ("on_hold", "public_notice"),
    ("draft", "withdrawn"),
    ("in_review", "withdrawn"),
    ("returned", "withdrawn"),
    ("public_notice", "withdrawn"),
    ("rejected", "withdrawn"),
)
DIFFERENCE_MOVES = (
    ("proposed", "owed"),
    ("proposed", "recovered"),
    ("proposed", "noticed"),
)
OBJECTION_MOVES = (
    ("open", "dismissed"),
    ("open", "upheld"),
)
SETTLEMENT_MOVES = (("counting", "summed"), ("summed", "settled"))
