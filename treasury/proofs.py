"""What must be true of public money, proved from rows and files."""

from collections.abc import Iterable

from audit.canonical import sha256_hex
from audit.decisions import Refusal
from audit.proofs import Proof, Violation, rows_that_violate
from treasury.bank_files import plain_yuan
from treasury.iso20022.amounts import fen_of
from treasury.iso20022.read_xml import read_xml
from treasury.models import BankFile, PayoutBatch
from treasury.queries import content_of

# `treasury.queries.envelope_figures` for all envelopes at once: value flows from env:committed into
# accounts no two envelopes share, so following the edges between accounts finds every fen.
SOMEWHERE = """
WITH RECURSIVE edges AS MATERIALIZED (
    SELECT source_id, destination_id, SUM(amount_fen) AS fen FROM ledger_posting GROUP BY 1, 2
), accounts AS MATERIALIZED (
    SELECT id, book_id, code, balance_fen,
           CASE WHEN code ~ '^env:[0-9]+:(available|unreleased)$' THEN 'budget'
                ELSE split_part(code, ':', 1) END AS kind
      FROM ledger_account
), own AS MATERIALIZED (
    SELECT e.id AS envelope_id, part, a.id AS account_id, a.balance_fen
      FROM treasury_envelope e
     CROSS JOIN unnest(ARRAY['unreleased', 'available', 'committed']) AS part
      JOIN accounts a ON a.book_id = e.book_id AND a.code = 'env:' || e.id || ':' || part
    UNION ALL
    SELECT e.id, 'lapsed', a.id, a.balance_fen
      FROM treasury_envelope e
      JOIN accounts a ON a.book_id = e.book_id AND a.code = 'lapse:' || e.id
), reached(envelope_id, account_id) AS (
    SELECT envelope_id, account_id FROM own WHERE part = 'committed'
    UNION
    SELECT r.envelope_id, a.id
      FROM reached r
      JOIN edges e ON e.source_id = r.account_id
      JOIN accounts a ON a.id = e.destination_id AND a.kind IN ('win', 'vch', 'rdm', 'awd', 'clm')
), downstream AS (
    SELECT r.envelope_id,
           SUM(a.balance_fen) FILTER (WHERE a.kind IN ('vch', 'rdm', 'awd', 'clm')) AS earned,
           COALESCE(SUM(a.balance_fen) FILTER (WHERE a.kind = 'win'), 0) AS in_windows
      FROM reached r JOIN accounts a ON a.id = r.account_id GROUP BY 1
), cleared AS (
    SELECT r.envelope_id, SUM(e.fen) AS fen
      FROM reached r JOIN edges e ON e.source_id = r.account_id
      JOIN accounts a ON a.id = e.destination_id AND a.kind = 'clear' GROUP BY 1
), flows AS (
    SELECT o.envelope_id, o.part, a.kind, x.envelope_id AS other, e.fen
      FROM edges e JOIN own o ON o.account_id = e.destination_id
      JOIN accounts a ON a.id = e.source_id LEFT JOIN own x ON x.account_id = e.source_id
    UNION ALL
    SELECT o.envelope_id, o.part, a.kind, x.envelope_id, -e.fen
      FROM edges e JOIN own o ON o.account_id = e.source_id
      JOIN accounts a ON a.id = e.destination_id
      LEFT JOIN own x ON x.account_id = e.destination_id
), flowed AS (
    SELECT envelope_id,
           COALESCE(SUM(fen) FILTER (
               WHERE part IN ('available', 'unreleased')
                 AND (kind = 'fund' OR (kind = 'budget' AND other IS DISTINCT FROM envelope_id))
           ), 0) AS appropriated,
           COALESCE(-SUM(fen) FILTER (
               WHERE part = 'committed' AND kind IN ('win', 'vch', 'awd', 'clm')), 0) AS issued
      FROM flows GROUP BY 1
), owed AS (
    SELECT envelope_id, SUM(amount_fen) AS fen FROM treasury_payable
     WHERE state IN ('approved', 'in_batch', 'paid', 'offset') GROUP BY 1
), stand AS (
    SELECT e.id, COALESCE(f.appropriated, 0) AS appropriated,
           COALESCE(f.issued, 0) - COALESCE(d.in_windows, 0) AS issued,
           COALESCE(SUM(o.balance_fen) FILTER (WHERE o.part = 'available'), 0) AS available,
           COALESCE(SUM(o.balance_fen), 0) + COALESCE(d.earned, 0) + COALESCE(d.in_windows, 0)
           + COALESCE(w.fen, 0) + COALESCE(c.fen, 0) AS found
      FROM treasury_envelope e
      LEFT JOIN own o ON o.envelope_id = e.id
      LEFT JOIN flowed f ON f.envelope_id = e.id
      LEFT JOIN downstream d ON d.envelope_id = e.id
      LEFT JOIN owed w ON w.envelope_id = e.id
      LEFT JOIN cleared c ON c.envelope_id = e.id
     GROUP BY e.id, f.appropriated, f.issued, d.earned, d.in_windows, w.fen, c.fen
)
SELECT 'envelope ' || id,
       (appropriated - found) || ' fen unaccounted for, ' || issued || ' issued of '
       || appropriated || ' appropriated'
  FROM stand
 WHERE appropriated <> found OR appropriated < available OR issued > appropriated - available
"""

OWED = """
SELECT p.reference, 'its people are not three, or it moved something else'
  FROM treasury_payable p
 WHERE p.state IN ('approved', 'in_batch', 'paid', 'offset')
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
 WHERE p.state IN ('approved', 'in_batch', 'paid', 'offset')
   AND (SELECT COUNT(*) FROM audit_auditevent e
         WHERE e.subject_type = 'treasury.payable' AND e.subject_id = p.id::text
           AND ((e.kind = 'payable.half_approved' AND e.person_id = p.approved_by_1_id)
             OR (e.kind = 'payable.approved' AND e.person_id = p.approved_by_2_id))) <> 2
UNION ALL
SELECT a.code || ' in book ' || a.book_id,
       'holds ' || a.balance_fen || ', owed ' || COALESCE(SUM(p.amount_fen - p.offset_fen), 0)
  FROM ledger_account a
  LEFT JOIN treasury_payable p
    ON a.code = 'pay:' || p.payee_id || ':payable' AND p.book_id = a.book_id
   AND p.state IN ('approved', 'in_batch')
   AND NOT EXISTS (SELECT 1 FROM treasury_payoutitem i
                    WHERE i.payable_id = p.id AND i.state IN ('sent', 'unknown'))
 WHERE a.code LIKE 'pay:%:payable'
 GROUP BY a.id, a.code, a.book_id, a.balance_fen
HAVING a.balance_fen <> COALESCE(SUM(p.amount_fen - p.offset_fen), 0)
"""

SIGNED = """
SELECT 'appropriation ' || id, 'proposed and approved by one person'
  FROM treasury_appropriation WHERE approved_by_id = proposed_by_id
UNION ALL
SELECT what || ' ' || id, 'its signatures are not of three people, or not posted'
  FROM (SELECT 'adjustment' AS what, id, state, proposed_by_id, approved_by_1_id,
               approved_by_2_id, transfer_id FROM treasury_adjustment
        UNION ALL
        SELECT 'tranche', id, state, proposed_by_id, approved_by_1_id, approved_by_2_id,
               transfer_id FROM treasury_tranche
        UNION ALL
        SELECT 'write-off', id, state, proposed_by_id, approved_by_1_id, approved_by_2_id,
               transfer_id FROM treasury_writeoff) AS proposal
 WHERE approved_by_1_id = approved_by_2_id
    OR proposed_by_id IN (approved_by_1_id, approved_by_2_id)
    OR (state = 'approved' AND (approved_by_2_id IS NULL OR transfer_id IS NULL))
UNION ALL
SELECT 'write-off ' || id, 'approved without a clear fraud check by a fourth person'
  FROM treasury_writeoff
 WHERE state IN ('half_approved', 'approved')
   AND (fraud_result IS DISTINCT FROM 'clear' OR fraud_checked_by_id IS NULL
        OR fraud_checked_by_id IN (proposed_by_id, approved_by_1_id, approved_by_2_id))
UNION ALL
SELECT 'recovery ' || id, 'decided or demanded by who opened it'
  FROM treasury_recoverycase WHERE opened_by_id IN (decided_by_id, demanded_by_id)
UNION ALL
SELECT 'bank account ' || id, 'verified by who entered it'
  FROM treasury_bankaccount WHERE verified_by_id = added_by_id
UNION ALL
SELECT 'suspense entry ' || id, 'cleared by who booked it'
  FROM treasury_suspenseentry WHERE cleared_by_id = booked_by_id
UNION ALL
SELECT 'payment of payable ' || i.payable_id, 'person ' || s.person_id || ' signed in two roles'
  FROM treasury_payoutitem i JOIN treasury_signature s ON s.batch_id = i.batch_id
 GROUP BY i.payable_id, s.person_id HAVING COUNT(DISTINCT s.act) > 1
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
    SELECT book_id, code, SUM(fen) AS fen
      FROM (SELECT a.book_id, a.code, p.amount_fen AS fen
              FROM ledger_account a JOIN ledger_posting p ON p.destination_id = a.id
             WHERE a.code ~ '^treasury:[0-9]+:'
            UNION ALL
            SELECT a.book_id, a.code, -p.amount_fen
              FROM ledger_account a JOIN ledger_posting p ON p.source_id = a.id
             WHERE a.code ~ '^treasury:[0-9]+:') AS ends
     GROUP BY book_id, code
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


# Every recovery in its own accounts: demanded is outstanding, came back, or was given up; what came
# back has a receipt and a posting for each fen; the end called `claimed` mirrors it all.
RECOVERED = """
WITH moved AS (
    SELECT book_id, code, SUM(fen) AS fen
      FROM (SELECT a.book_id, a.code, p.amount_fen AS fen
              FROM ledger_account a JOIN ledger_posting p ON p.destination_id = a.id
             WHERE a.code LIKE 'claw:%'
            UNION ALL
            SELECT a.book_id, a.code, -p.amount_fen
              FROM ledger_account a JOIN ledger_posting p ON p.source_id = a.id
             WHERE a.code LIKE 'claw:%') AS ends
     GROUP BY book_id, code
), stand AS (
    SELECT c.id, c.book_id, c.state, COALESCE(c.demanded_fen, 0) AS demanded,
           COALESCE((SELECT fen FROM moved m WHERE m.book_id = c.book_id
                        AND m.code = 'claw:' || c.id || ':claimed'), 0) AS claimed,
           COALESCE((SELECT fen FROM moved m WHERE m.book_id = c.book_id
                        AND m.code = 'claw:' || c.id || ':receivable'), 0) AS receivable,
           COALESCE((SELECT fen FROM moved m WHERE m.book_id = c.book_id
                        AND m.code = 'claw:' || c.id || ':recovered'), 0) AS recovered,
           COALESCE((SELECT fen FROM moved m WHERE m.book_id = c.book_id
                        AND m.code = 'claw:' || c.id || ':written_off'), 0) AS written_off,
           COALESCE((SELECT SUM(amount_fen) FROM treasury_recoveryreceipt r
                      WHERE r.case_id = c.id AND r.kind = 'cash'), 0) AS cash,
           COALESCE((SELECT SUM(amount_fen) FROM treasury_recoveryreceipt r
                      WHERE r.case_id = c.id AND r.kind = 'offset'), 0) AS kept,
           COALESCE((SELECT SUM(amount_fen) FROM treasury_writeoff w
                      WHERE w.case_id = c.id AND w.state = 'approved'), 0) AS given_up
      FROM treasury_recoverycase c
)
SELECT 'recovery ' || id,
       'demanded ' || demanded || ', outstanding ' || receivable || ', cash ' || cash
       || ', offset ' || kept || ', written off ' || given_up
       || '; accounts: claimed ' || claimed || ', recovered ' || recovered
       || ', written off ' || written_off
  FROM stand
 WHERE demanded <> receivable + cash + kept + given_up OR recovered <> cash + kept
    OR written_off <> given_up OR -claimed <> receivable + cash + given_up
    OR receivable < 0 OR (state IN ('recovered', 'written_off') AND receivable <> 0)
    OR (state IN ('opened', 'notice_served', 'contested', 'decided', 'dismissed')
        AND demanded <> 0)
UNION ALL
SELECT m.code, 'belongs to no recovery case'
  FROM moved m
 WHERE NOT EXISTS (SELECT 1 FROM treasury_recoverycase c
                    WHERE c.book_id = m.book_id AND m.code LIKE 'claw:' || c.id || ':%')
UNION ALL
SELECT p.reference, 'keeps ' || p.offset_fen || ', its offsets are '
       || COALESCE(SUM(r.amount_fen), 0)
  FROM treasury_payable p LEFT JOIN treasury_recoveryreceipt r ON r.payable_id = p.id
 GROUP BY p.id HAVING p.offset_fen <> COALESCE(SUM(r.amount_fen), 0)
    OR p.offset_fen NOT BETWEEN 0 AND p.amount_fen
UNION ALL
SELECT p.reference, 'paid ' || p.amount_fen || ', claimed back '
       || SUM(COALESCE(c.demanded_fen, c.claimed_fen))
  FROM treasury_payable p JOIN treasury_recoverycase c ON c.payable_id = p.id
 WHERE c.state <> 'dismissed'
 GROUP BY p.id HAVING SUM(COALESCE(c.demanded_fen, c.claimed_fen)) > p.amount_fen
"""

SUSPENSE = """
WITH moved AS (
    SELECT book_id, SUM(fen) AS fen
      FROM (SELECT a.book_id, p.amount_fen AS fen
              FROM ledger_account a JOIN ledger_posting p ON p.destination_id = a.id
             WHERE a.code = 'susp:bank_return'
            UNION ALL
            SELECT a.book_id, -p.amount_fen
              FROM ledger_account a JOIN ledger_posting p ON p.source_id = a.id
             WHERE a.code = 'susp:bank_return') AS ends
     GROUP BY book_id
), entered AS (
    SELECT book_id, SUM(amount_fen) AS fen FROM treasury_suspenseentry
     WHERE state = 'unidentified' GROUP BY book_id
)
SELECT 'book ' || book_id, 'suspense holds ' || COALESCE(m.fen, 0) || ', entries say '
       || COALESCE(e.fen, 0)
  FROM moved m FULL JOIN entered e USING (book_id)
 WHERE COALESCE(m.fen, 0) <> COALESCE(e.fen, 0)
UNION ALL
SELECT 'book ' || b.id, 'closed with ' || m.fen || ' fen in suspense'
  FROM ledger_book b JOIN moved m ON m.book_id = b.id
 WHERE b.state = 'closed' AND m.fen <> 0
"""

ENDED = """
SELECT 'envelope ' || e.id, 'closed with ' || a.balance_fen || ' fen in ' || a.code
  FROM treasury_envelope e
  JOIN ledger_account a ON a.book_id = e.book_id
   AND a.code IN ('env:' || e.id || ':unreleased', 'env:' || e.id || ':available',
                  'env:' || e.id || ':committed')
 WHERE e.state = 'closed' AND a.balance_fen <> 0
UNION ALL
SELECT 'batch ' || b.id, b.state || ' with payment ' || i.position || ' ' || i.state
  FROM treasury_payoutbatch b JOIN treasury_payoutitem i ON i.batch_id = b.id
 WHERE b.state IN ('reconciled', 'closed') AND i.state IN ('queued', 'sent', 'unknown')
UNION ALL
SELECT 'payment ' || i.id, 'sent again into an account nobody else verified since its return'
  FROM treasury_payoutitem i
  JOIN treasury_bankaccount now ON now.id = i.bank_account_id
  JOIN treasury_payoutitem r ON r.id = i.reissues_id
  JOIN treasury_bankaccount before ON before.id = r.bank_account_id
 WHERE now.verified_by_id = before.verified_by_id OR now.verified_at <= r.answered_at
"""


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
        if file.direction == BankFile.Direction.OUT and file.format == "pain.001":
            yield from _pain001_adds_up(file)


def _pain001_adds_up(file: BankFile) -> Iterable[Violation]:
    try:
        message = read_xml(file.content, message="pain.001")
        lines = list(message.all("PmtInf", "CdtTrfTxInf", "Amt", "InstdAmt"))
        said = message.said("GrpHdr", "CtrlSum")
        total_fen = sum(fen_of(line) for line in lines)
    except Refusal as refusal:
        yield Violation(f"bank file {file.pk}", str(refusal))
        return
    frozen = (file.batch.control_total_fen or 0, file.batch.item_count)
    if (total_fen, len(lines)) != frozen or said != plain_yuan(frozen[0]):
        yield Violation(f"bank file {file.pk}", "its total is not the control total")


PROOFS = [
    Proof(
        "I4",
        "Per envelope, what was issued never exceeds what was appropriated, and every fen is found",
        rows_that_violate(SOMEWHERE),
        reads=("ledger_posting", "ledger_account", "treasury_envelope", "treasury_payable"),
    ),
    Proof(
        "I7",
        "Every payable was approved by two people, neither of whom proposed it, and is in its"
        " payee's account.",
        rows_that_violate(OWED),
        reads=("treasury_payable",),
    ),
    Proof(
        "I8",
        "Every frozen batch, its items and its file have one total and one hash.",
        _batches_add_up,
        reads=("treasury_payoutbatch", "treasury_payoutitem", "treasury_bankfile"),
    ),
    Proof(
        "I8",
        "What is on its way to the bank or confirmed by it is in the batch's accounts.",
        rows_that_violate(IN_TRANSIT),
        reads=("ledger_posting", "treasury_payoutitem"),
    ),
    Proof(
        "recovery",
        "What is demanded back is outstanding, came back or was given up; no payable is negative.",
        rows_that_violate(RECOVERED),
        reads=("ledger_posting", "treasury_recoverycase", "treasury_payable"),
    ),
    Proof(
        "suspense",
        "Unidentified bank returns are in the suspense account, which is empty at a close.",
        rows_that_violate(SUSPENSE),
        reads=("ledger_posting", "treasury_suspenseentry"),
    ),
    Proof(
        "ended",
        "Closed budgets hold nothing; closed batches have no payment of unknown outcome.",
        rows_that_violate(ENDED),
        reads=("treasury_envelope", "treasury_payoutitem"),
    ),
    Proof(
        "I9",
        "No reason is owed or paid twice.",
        rows_that_violate(ONCE),
        reads=("treasury_payable", "treasury_payoutitem"),
    ),
    Proof(
        "four-eyes",
        "Nobody approved their own work or signed one thing in two roles.",
        rows_that_violate(SIGNED),
        reads=("treasury_payoutbatch", "treasury_signature", "treasury_adjustment"),
    ),
]
