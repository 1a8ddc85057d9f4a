"""What must be true of public money, proved from rows and files."""

from collections.abc import Iterable

from audit.canonical import sha256_hex
from audit.proofs import Proof, Violation, rows_that_violate
from treasury.bank_files import plain_yuan
from treasury.models import BankFile, Envelope, PayoutBatch
from treasury.queries import content_of, envelope_figures

OWED = """
SELECT p.reference, 'its people are not three, or it moved something else'
  FROM treasury_payable p
 WHERE p.state IN ('approved', 'in_batch', 'paid')
   AND (p.approved_by_1_id IS NULL OR p.approved_by_2_id IS NULL
        OR p.approved_by_1_id = p.approved_by_2_id
        OR p.proposed_by_id IN (p.approved_by_1_id, p.approved_by_2_id)
        OR NOT EXISTS (
            SELECT 1 FROM ledger_posting l JOIN ledger_account d ON d.id = l.destination_id
             WHERE l.transfer_id = p.transfer_id AND l.source_id = p.source_account_id
               AND l.amount_fen = p.amount_fen AND d.code = 'pay:' || p.payee_id || ':payable'))
UNION ALL
SELECT p.reference, 'the chain knows another first or second approver'
  FROM treasury_payable p
 WHERE p.state IN ('approved', 'in_batch', 'paid')
   AND (SELECT COUNT(*) FROM audit_auditevent e
         WHERE e.subject_type = 'treasury.payable' AND e.subject_id = p.id::text
           AND ((e.kind = 'payable.half_approved' AND e.person_id = p.approved_by_1_id)
             OR (e.kind = 'payable.approved' AND e.person_id = p.approved_by_2_id))) <> 2
UNION ALL
SELECT a.code || ' in book ' || a.book_id,
       'holds ' || a.balance_fen || ', owed ' || COALESCE(SUM(p.amount_fen), 0)
  FROM ledger_account a
  LEFT JOIN treasury_payable p
    ON a.code = 'pay:' || p.payee_id || ':payable' AND p.book_id = a.book_id
   AND p.state IN ('approved', 'in_batch')
   AND NOT EXISTS (SELECT 1 FROM treasury_payoutitem i
                    WHERE i.payable_id = p.id AND i.state IN ('sent', 'unknown'))
 WHERE a.code LIKE 'pay:%:payable'
 GROUP BY a.id, a.code, a.book_id, a.balance_fen
HAVING a.balance_fen <> COALESCE(SUM(p.amount_fen), 0)
"""

SIGNED = """
SELECT 'appropriation ' || id, 'proposed and approved by one person'
  FROM treasury_appropriation WHERE approved_by_id = proposed_by_id
UNION ALL
SELECT 'batch ' || id, 'maker, checker and releaser are not three people'
  FROM treasury_payoutbatch
 WHERE made_by_id IN (checked_by_id, released_by_id) OR checked_by_id = released_by_id
UNION ALL
SELECT 'batch lineage ' || lineage, 'person ' || person_id || ' signed in two roles'
  FROM treasury_signature GROUP BY lineage, person_id HAVING COUNT(DISTINCT act) > 1
"""

ONCE = """
SELECT reference, 'owed ' || COUNT(*) || ' times'
  FROM treasury_payable GROUP BY reference HAVING COUNT(*) > 1
UNION ALL
SELECT 'payable ' || payable_id, 'paid or on its way ' || COUNT(*) || ' times'
  FROM treasury_payoutitem WHERE state IN ('queued', 'sent', 'unknown', 'paid')
 GROUP BY payable_id HAVING COUNT(*) > 1
"""

IN_TRANSIT = """
WITH moved AS (
    SELECT a.book_id, a.code,
           SUM(CASE WHEN p.destination_id = a.id THEN p.amount_fen ELSE -p.amount_fen END) AS fen
      FROM ledger_account a
      JOIN ledger_posting p ON a.id IN (p.source_id, p.destination_id)
     WHERE a.code ~ '^treasury:[0-9]+:'
     GROUP BY a.book_id, a.code
), expected AS (
    SELECT b.book_id, 'treasury:' || b.id || ':' || part AS code,
           COALESCE(SUM(i.amount_fen) FILTER (WHERE i.state = ANY (
               CASE part WHEN 'paid' THEN ARRAY['paid'] ELSE ARRAY['sent', 'unknown'] END)), 0)
           AS fen
      FROM treasury_payoutbatch b
     CROSS JOIN unnest(ARRAY['paid', 'in_transit']) AS part
      LEFT JOIN treasury_payoutitem i ON i.batch_id = b.id
     GROUP BY b.book_id, b.id, part
)
SELECT code, 'items ' || COALESCE(e.fen, 0) || ', postings ' || COALESCE(m.fen, 0)
  FROM expected e FULL JOIN moved m USING (book_id, code)
 WHERE COALESCE(e.fen, 0) <> COALESCE(m.fen, 0)
"""


def _every_fen_is_somewhere() -> Iterable[Violation]:
    for envelope in Envelope.objects.order_by("pk"):
        figures = envelope_figures(envelope)
        promised = figures.appropriated_fen - figures.available_fen
        if figures.unaccounted_fen or promised < 0 or figures.issued_fen > promised:
            yield Violation(
                f"envelope {envelope.pk}",
                f"{figures.unaccounted_fen} fen unaccounted for, {figures.issued_fen} issued of"
                f" {figures.appropriated_fen} appropriated",
            )


def _batches_add_up() -> Iterable[Violation]:
    for batch in PayoutBatch.objects.exclude(content_hash=None).order_by("pk").iterator():
        if batch.state == PayoutBatch.State.REJECTED:
            continue
        frozen = (batch.control_total_fen, batch.item_count, batch.content_hash)
        if content_of(batch) != frozen:
            yield Violation(f"batch {batch.pk}", "its items are not what was frozen")
    files = BankFile.objects.select_related("batch").order_by("pk")
    for file in files.iterator():
        if sha256_hex(file.content) != file.sha256:
            yield Violation(f"bank file {file.pk}", "its content does not match its hash")
        if file.direction == BankFile.Direction.OUT and file.format == "csv":
            total = plain_yuan(file.batch.control_total_fen or 0)
            closing = f"total 合计,{file.batch.item_count},,,,,{total},\r\n"
            if not file.content.endswith(closing):
                yield Violation(f"bank file {file.pk}", "its total is not the control total")


PROOFS = [
    Proof(
        "I4",
        "Per envelope, what was issued never exceeds what was appropriated, and every fen is found",
        _every_fen_is_somewhere,
    ),
    Proof(
        "I7",
        "Every payable was approved by two people, neither of whom proposed it, and is in its"
        " payee's account.",
        rows_that_violate(OWED),
    ),
    Proof(
        "I8",
        "Every frozen batch, its items and its file have one total and one hash.",
        _batches_add_up,
    ),
    Proof(
        "I8",
        "What is on its way to the bank or confirmed by it is in the batch's accounts.",
        rows_that_violate(IN_TRANSIT),
    ),
    Proof("I9", "No reason is owed or paid twice.", rows_that_violate(ONCE)),
    Proof(
        "four-eyes",
        "Nobody approved their own work or signed one thing in two roles.",
        rows_that_violate(SIGNED),
    ),
]
