"""What must be true of the ledger, proved from its postings."""

from audit.proofs import Proof, rows_that_violate

WHOLE = """
SELECT t.reference, 'moves nothing' FROM ledger_transfer t
 WHERE NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.transfer_id = t.id)
UNION ALL
SELECT COALESCE(t.reference, 'transfer ' || p.transfer_id),
       'posting ' || p.id || ' leaves the book, stands still or moves no amount'
  FROM ledger_posting p
  LEFT JOIN ledger_transfer t ON t.id = p.transfer_id
  LEFT JOIN ledger_account s ON s.id = p.source_id
  LEFT JOIN ledger_account d ON d.id = p.destination_id
 WHERE s.book_id IS DISTINCT FROM t.book_id OR d.book_id IS DISTINCT FROM t.book_id
    OR t.id IS NULL OR p.source_id = p.destination_id OR p.amount_fen <= 0
"""

FLOORS = """
WITH moved AS (
    SELECT source_id AS account_id, -SUM(amount_fen) AS fen FROM ledger_posting GROUP BY 1
    UNION ALL
    SELECT destination_id, SUM(amount_fen) FROM ledger_posting GROUP BY 1
), summed AS (
    SELECT account_id, SUM(fen) AS balance_fen FROM moved GROUP BY account_id
)
SELECT a.code || ' #' || a.id,
       'balance ' || a.balance_fen || ', postings ' || COALESCE(s.balance_fen, 0)
       || ', floor ' || a.floor_fen
  FROM ledger_account a LEFT JOIN summed s ON s.account_id = a.id
 WHERE a.floor_fen IS NOT NULL
   AND (a.balance_fen <> COALESCE(s.balance_fen, 0) OR COALESCE(s.balance_fen, 0) < a.floor_fen)
"""

HOLDS = """
SELECT h.reference, 'the transfer that placed it moves something else'
  FROM ledger_hold h
 WHERE NOT EXISTS (
    SELECT 1 FROM ledger_posting p
     WHERE p.transfer_id = h.placed_by_id AND p.source_id = h.source_id
       AND p.destination_id = h.held_in_id AND p.amount_fen = h.amount_fen)
UNION ALL
SELECT h.reference, 'resolved ' || COUNT(*) || ' times'
  FROM ledger_hold h JOIN ledger_holdresolution r ON r.hold_id = h.id
 GROUP BY h.reference HAVING COUNT(*) > 1
UNION ALL
SELECT h.reference, 'its resolution does not empty it'
  FROM ledger_hold h JOIN ledger_holdresolution r ON r.hold_id = h.id
 WHERE h.amount_fen <> (
    SELECT COALESCE(SUM(p.amount_fen), 0) FROM ledger_posting p
     WHERE p.transfer_id = r.transfer_id AND p.source_id = h.held_in_id)
UNION ALL
SELECT a.code, 'holds ' || a.balance_fen || ', open holds ' || COALESCE(SUM(h.amount_fen), 0)
  FROM ledger_account a
  LEFT JOIN ledger_hold h ON h.held_in_id = a.id
   AND NOT EXISTS (SELECT 1 FROM ledger_holdresolution r WHERE r.hold_id = h.id)
 WHERE a.code LIKE 'vch:%:reserved'
 GROUP BY a.id, a.code, a.balance_fen
HAVING a.balance_fen <> COALESCE(SUM(h.amount_fen), 0)
"""

VERSIONED = """
SELECT reference, kind || ' without a policy version' FROM ledger_transfer
 WHERE policy_version IS NULL
   AND kind IN ('commit', 'issue', 'reserve', 'commit_partial', 'approve_payable')
"""

# `clear:A:B` is what region A owes B; B keeps `clear:B:A` in a book of its own.
BETWEEN_REGIONS = """
WITH ends AS (
    SELECT a.code, p.amount_fen AS fen
      FROM ledger_account a JOIN ledger_posting p ON p.destination_id = a.id
     WHERE a.code LIKE 'clear:%'
    UNION ALL
    SELECT a.code, -p.amount_fen
      FROM ledger_account a JOIN ledger_posting p ON p.source_id = a.id
     WHERE a.code LIKE 'clear:%'
), regions AS (
    SELECT split_part(code, ':', 2) AS one, split_part(code, ':', 3) AS two, fen FROM ends
)
SELECT 'regions ' || LEAST(one, two) || ' and ' || GREATEST(one, two),
       'do not net to zero: ' || SUM(fen)
  FROM regions GROUP BY LEAST(one, two), GREATEST(one, two) HAVING SUM(fen) <> 0
"""

PROOFS = [
    Proof(
        "I1",
        "Every transfer moves a positive amount between two accounts of one book.",
        rows_that_violate(WHOLE),
        reads=("ledger_transfer", "ledger_posting", "ledger_account"),
    ),
    Proof(
        "I2",
        "Every balance is the sum of its postings and is not below its floor, holds included.",
        rows_that_violate(FLOORS),
        reads=("ledger_posting", "ledger_account"),
    ),
    Proof(
        "I6",
        "Every hold moved what it says and was resolved at most once, wholly.",
        rows_that_violate(HOLDS),
        reads=("ledger_hold", "ledger_holdresolution"),
    ),
    Proof(
        "I10",
        "Every posting of voucher or award value names its policy version.",
        rows_that_violate(VERSIONED),
        reads=("ledger_transfer",),
    ),
    Proof(
        "I11",
        "What two regions owe each other nets to zero.",
        rows_that_violate(BETWEEN_REGIONS),
        reads=("ledger_account",),
    ),
]
