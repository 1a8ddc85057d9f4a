"""What must be true of orders, charges, payments and clearing, proved from the rows."""

from audit.proofs import Proof, rows_that_violate

CHARGES = """
SELECT 'charge ' || c.id, 'does not add up, or is beyond its order'
  FROM marketplace_charge c JOIN marketplace_order o ON o.id = c.order_id
 WHERE c.total_fen <> c.voucher_fen + c.own_fen OR c.total_fen > o.price_fen
    OR c.voucher_fen > o.voucher_fen OR o.state <> 'charged'
UNION ALL
SELECT 'order ' || o.id, 'charged without a charge'
  FROM marketplace_order o LEFT JOIN marketplace_charge c ON c.order_id = o.id
 WHERE o.state = 'charged' AND c.id IS NULL
"""

VOUCHER_PARTS = """
SELECT 'order ' || o.id,
       'voucher part ' || COALESCE(c.voucher_fen, 0) || ', redeemed ' || r.committed_fen
  FROM marketplace_order o
  JOIN vouchers_redemption r ON r.id = o.redemption_id
  LEFT JOIN marketplace_charge c ON c.order_id = o.id
 WHERE r.committed_fen <> COALESCE(c.voucher_fen, 0) OR r.reserved_fen <> o.voucher_fen
    OR r.provider_id <> o.provider_id
"""

PAYMENTS = """
SELECT 'payment ' || p.id, 'asks ' || p.amount_fen || ', the charge says ' || c.own_fen
  FROM marketplace_payment p JOIN marketplace_charge c ON c.id = p.charge_id
 WHERE p.amount_fen <> c.own_fen
UNION ALL
SELECT 'charge ' || c.id, 'nobody is asked to pay ' || c.own_fen || ' fen'
  FROM marketplace_charge c LEFT JOIN marketplace_payment p ON p.charge_id = c.id
 WHERE c.own_fen > 0 AND p.id IS NULL
"""

CLEARING = """
SELECT 'clearing line ' || l.id, 'does not say what its charge says'
  FROM marketplace_clearingline l
  JOIN marketplace_charge c ON c.id = l.charge_id
  JOIN marketplace_order o ON o.id = c.order_id
  LEFT JOIN treasury_payable p ON p.id = l.payable_id
  LEFT JOIN vouchers_redemption r ON r.id = o.redemption_id
 WHERE l.government_fen <> c.voucher_fen - COALESCE(r.returned_fen, 0)
    OR l.enterprise_fen <> c.own_fen
    OR l.provider_id <> o.provider_id
    OR (l.government_fen > 0 AND (p.id IS NULL OR p.amount_fen <> l.government_fen))
"""

REFUNDS = """
WITH given AS (
    SELECT charge_id, SUM(total_fen) AS total, SUM(voucher_fen) AS voucher, SUM(own_fen) AS own
      FROM marketplace_refund GROUP BY charge_id
)
SELECT 'charge ' || c.id, 'refunded ' || COALESCE(g.total, 0) || ' of ' || c.total_fen
       || ', the redemption says ' || COALESCE(r.returned_fen, 0) || ' came back'
  FROM marketplace_charge c
  JOIN marketplace_order o ON o.id = c.order_id
  LEFT JOIN vouchers_redemption r ON r.id = o.redemption_id
  LEFT JOIN given g ON g.charge_id = c.id
 WHERE g.voucher > c.voucher_fen OR g.own > c.own_fen OR g.total <> g.voucher + g.own
    OR COALESCE(g.voucher, 0) <> COALESCE(r.returned_fen, 0)
"""

PROOFS = [
    Proof(
        "charges",
        "A charge is its voucher's part and the enterprise's part, within its order.",
        rows_that_violate(CHARGES),
    ),
    Proof(
        "vouchers",
        "What a voucher paid of a charge is what was redeemed for it.",
        rows_that_violate(VOUCHER_PARTS),
    ),
    Proof(
        "payments",
        "The enterprise is asked for exactly its own part, once.",
        rows_that_violate(PAYMENTS),
    ),
    Proof(
        "clearing",
        "Clearing owes each provider what its charges say.",
        rows_that_violate(CLEARING),
    ),
    Proof(
        "refunds",
        "No more was refunded than was charged, and the voucher got its part back.",
        rows_that_violate(REFUNDS),
    ),
]
