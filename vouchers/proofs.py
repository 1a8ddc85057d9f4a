"""What must be true of vouchers, redemptions and awards, proved from rows and postings."""

import json
from collections.abc import Iterable

from audit.canonical import sha256_hex
from audit.proofs import Proof, Violation, rows_that_violate
from vouchers.models import (
    Application,
    AwardBasis,
    AwardCorrection,
    Claim,
    EntitlementAnswer,
    SubsidyAward,
)
from vouchers.rules import RuleError, Terms, replay
from vouchers.rules.award_basis import replay_basis

# Where each fen of a voucher went, by following its own postings; cached balances are not trusted.
# Settled and still payable value both left through the redemption's account.
FACE = """
WITH edges AS MATERIALIZED (
    SELECT source_id, destination_id, SUM(amount_fen) AS fen FROM ledger_posting GROUP BY 1, 2
), resting AS MATERIALIZED (
    SELECT id AS voucher_id, available_id AS account_id, true AS spendable
      FROM vouchers_voucher WHERE available_id IS NOT NULL
    UNION ALL
    SELECT id, reserved_id, false FROM vouchers_voucher WHERE reserved_id IS NOT NULL
), others AS MATERIALIZED (
    SELECT id, split_part(code, ':', 1) AS kind FROM ledger_account
), flows AS (
    SELECT r.voucher_id, r.spendable, o.kind, e.fen
      FROM edges e JOIN resting r ON r.account_id = e.destination_id
      JOIN others o ON o.id = e.source_id
    UNION ALL
    SELECT r.voucher_id, r.spendable, o.kind, -e.fen
      FROM edges e JOIN resting r ON r.account_id = e.source_id
      JOIN others o ON o.id = e.destination_id
), net AS (
    SELECT v.id,
           COALESCE(SUM(f.fen) FILTER (WHERE f.kind IN ('env', 'win')), 0) AS issued_less_voided,
           COALESCE(-SUM(f.fen) FILTER (WHERE f.kind IN ('env', 'win') AND f.fen < 0
                                          AND f.spendable), 0) AS voided,
           COALESCE(-SUM(f.fen) FILTER (WHERE f.kind = 'rdm'), 0) AS redeemed,
           COALESCE(-SUM(f.fen) FILTER (WHERE f.kind = 'lapse'), 0) AS lapsed,
           COALESCE(SUM(f.fen) FILTER (WHERE f.spendable), 0) AS available,
           COALESCE(SUM(f.fen) FILTER (WHERE NOT f.spendable), 0) AS reserved
      FROM vouchers_voucher v LEFT JOIN flows f ON f.voucher_id = v.id
     GROUP BY v.id
), spent AS (
    SELECT voucher_id, SUM(committed_fen - returned_fen) AS redeemed,
           COALESCE(SUM(reserved_fen) FILTER (WHERE state = 'reserved'), 0) AS reserved
      FROM vouchers_redemption GROUP BY voucher_id
)
SELECT 'voucher ' || v.serial,
       'face ' || v.face_fen || ', available ' || n.available || ', reserved ' || n.reserved
       || ', redeemed ' || n.redeemed || ', lapsed ' || n.lapsed
       || ', voided ' || n.voided
  FROM vouchers_voucher v
  JOIN net n USING (id)
  LEFT JOIN spent s ON s.voucher_id = v.id
 WHERE v.face_fen <> n.available + n.reserved + n.redeemed + n.lapsed + n.voided
    OR v.face_fen <> n.issued_less_voided + n.voided
    OR n.redeemed <> COALESCE(s.redeemed, 0)
    OR n.reserved <> COALESCE(s.reserved, 0)
    OR (v.state IN ('expired', 'voided') AND n.available <> 0)
"""

EARNED = """
SELECT 'redemption ' || min(r.order_reference),
       'redeemed ' || SUM(r.committed_fen - r.returned_fen)
       || ', ' || a.code || ' holds ' || a.balance_fen
  FROM vouchers_redemption r
  JOIN ledger_account a ON a.id = r.earned_id
  LEFT JOIN treasury_payable p ON p.id = r.payable_id
  LEFT JOIN vouchers_clearingentry c ON c.redemption_id = r.id AND c.kind = 'accrual'
 GROUP BY a.id
HAVING a.balance_fen <> SUM(
       CASE WHEN p.state IN ('approved', 'in_batch', 'paid') OR c.id IS NOT NULL THEN 0
            ELSE r.committed_fen - r.returned_fen END)
UNION ALL
SELECT 'redemption ' || r.order_reference, 'its payable or its state says otherwise'
  FROM vouchers_redemption r
  LEFT JOIN treasury_payable p ON p.id = r.payable_id
 WHERE p.amount_fen <> r.committed_fen - r.returned_fen
    OR (r.state = 'returned') <> (r.committed_fen > 0 AND r.committed_fen = r.returned_fen)
    OR p.payee_id <> r.provider_id
    OR (r.state = 'settled') <> (p.state IS NOT DISTINCT FROM 'paid' AND r.state = 'settled')
UNION ALL
SELECT 'redemption ' || r.order_reference, 'its transfer moved something else'
  FROM vouchers_redemption r
  JOIN vouchers_voucher v ON v.id = r.voucher_id
 WHERE r.transfer_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM ledger_posting p
        WHERE p.transfer_id = r.transfer_id AND p.source_id = v.available_id
          AND p.destination_id = r.earned_id AND p.amount_fen = r.committed_fen)
UNION ALL
SELECT 'redemption ' || r.order_reference, 'is ' || r.state || ' and its hold is '
       || COALESCE(h.outcome, 'open')
  FROM vouchers_redemption r
  LEFT JOIN ledger_holdresolution h ON h.hold_id = r.hold_id
 WHERE r.hold_id IS NOT NULL AND COALESCE(h.outcome, 'open') <>
       CASE r.state WHEN 'reserved' THEN 'open' WHEN 'released' THEN 'voided'
                    WHEN 'lapsed' THEN 'expired' ELSE 'posted' END
UNION ALL
SELECT 'award ' || w.id, 'awarded ' || w.amount_fen || ', payable ' || p.amount_fen
  FROM vouchers_subsidyaward w JOIN treasury_payable p ON p.id = w.payable_id
 WHERE p.amount_fen <> w.amount_fen OR p.payee_id <> w.beneficiary_id
UNION ALL
SELECT 'claim ' || c.id, 'approved ' || c.amount_fen || ', payable ' || p.amount_fen
  FROM vouchers_claim c JOIN treasury_payable p ON p.id = c.payable_id
 WHERE p.amount_fen <> c.amount_fen OR p.payee_id <> c.claimant_id
"""

PROMISED = """
WITH promised AS (
    SELECT g.envelope_id, SUM(a.amount_fen) AS waiting_fen
      FROM vouchers_application a JOIN vouchers_programme g ON g.id = a.programme_id
     WHERE a.state = 'approved' GROUP BY g.envelope_id
)
SELECT 'envelope ' || e.id,
       'committed ' || c.balance_fen || ', approved and not issued '
       || COALESCE(p.waiting_fen, 0)
  FROM treasury_envelope e
  JOIN ledger_account c ON c.book_id = e.book_id AND c.code = 'env:' || e.id || ':committed'
  LEFT JOIN promised p ON p.envelope_id = e.id
 WHERE EXISTS (SELECT 1 FROM vouchers_programme g WHERE g.envelope_id = e.id)
   AND c.balance_fen <> COALESCE(p.waiting_fen, 0)
UNION ALL
SELECT 'voucher ' || v.serial, 'its face value is not what was approved'
  FROM vouchers_voucher v JOIN vouchers_application a ON a.id = v.application_id
 WHERE a.state <> 'issued' OR v.face_fen <> a.amount_fen OR v.holder_id <> a.applicant_id
"""

# What a window holds, promised and gave, from its postings and its answers.
WINDOWS = """
WITH rested AS (
    SELECT w.id, w.tranche_fen, r.balance_fen AS remaining_fen, g.balance_fen AS granted_fen,
           w.state, w.places_taken
      FROM vouchers_claimwindow w
      JOIN ledger_account r ON r.id = w.remaining_id
      JOIN ledger_account g ON g.id = w.granted_id
), told AS (
    SELECT window_id, COUNT(*) AS answers,
           COALESCE(SUM(granted_fen) FILTER (WHERE state = 'granted'), 0) AS granted_fen,
           COALESCE(SUM(granted_fen) FILTER (WHERE state IN ('granted', 'issued')), 0) AS out_fen,
           COUNT(*) FILTER (WHERE state = 'waiting') AS waiting
      FROM vouchers_windowanswer GROUP BY window_id
)
SELECT 'window ' || r.id,
       'holds ' || r.remaining_fen || ' and ' || r.granted_fen || ' granted; its answers say '
       || COALESCE(t.granted_fen, 0) || ' granted, ' || COALESCE(t.out_fen, 0) || ' given of '
       || r.tranche_fen
  FROM rested r LEFT JOIN told t ON t.window_id = r.id
 WHERE r.granted_fen <> COALESCE(t.granted_fen, 0)
    OR COALESCE(t.out_fen, 0) > r.tranche_fen
    OR (r.state <> 'closed' AND r.remaining_fen <> r.tranche_fen - COALESCE(t.out_fen, 0))
    OR (r.state = 'closed' AND (r.remaining_fen <> 0 OR COALESCE(t.waiting, 0) <> 0))
    OR r.places_taken <> COALESCE(t.answers, 0)
UNION ALL
SELECT 'window ' || a.window_id || ', place ' || a.place,
       'is ' || a.state || ' and has ' || COALESCE('voucher ' || v.serial, 'no voucher')
  FROM vouchers_windowanswer a LEFT JOIN vouchers_voucher v ON v.window_answer_id = a.id
 WHERE (a.state = 'issued') <> COALESCE(v.state <> 'voided', false)
    OR v.face_fen <> a.granted_fen OR v.holder_id <> a.enterprise_id
UNION ALL
SELECT 'window ' || first.window_id || ', place ' || first.place,
       'waits although a later place was served'
  FROM (SELECT window_id, MIN(place) AS place FROM vouchers_windowanswer
         WHERE state = 'waiting' GROUP BY window_id) AS first
 WHERE EXISTS (SELECT 1 FROM vouchers_windowanswer later
                WHERE later.window_id = first.window_id AND later.place > first.place
                  AND later.state IN ('granted', 'issued'))
UNION ALL
SELECT 'window ' || w.id, 'its seed is not the one it committed to'
  FROM vouchers_claimwindow w
 WHERE encode(sha256(convert_to(w.seed, 'UTF8')), 'hex') <> w.seed_commitment
UNION ALL
SELECT 'window ' || w.id, 'opened by who drafted it'
  FROM vouchers_claimwindow w WHERE w.opened_by_id = w.drafted_by_id
"""

# I11, from postings: what one region owes another is the same amount in both books; each entry is
# posted as it says in both; a window nets its entries, and a settled one left nothing behind.
REGIONS = """
WITH moved AS MATERIALIZED (
    SELECT source_id AS account_id, -amount_fen AS fen FROM ledger_posting
    UNION ALL SELECT destination_id, amount_fen FROM ledger_posting
), stood AS MATERIALIZED (
    SELECT a.id, a.code, b.budget_year, b.issuer_adcode, SUM(m.fen) AS fen
      FROM ledger_account a JOIN ledger_book b ON b.id = a.book_id
      JOIN moved m ON m.account_id = a.id
     WHERE a.code ~ '^(clear|net):' GROUP BY 1, 2, 3, 4
), between_two AS (
    SELECT c.*, COALESCE(SUM(e.amount_fen) FILTER (WHERE e.debtor_id = c.one_id), 0) AS one_sum,
           COALESCE(SUM(e.amount_fen) FILTER (WHERE e.debtor_id = c.other_id), 0) AS other_sum
      FROM vouchers_regionalclearing c LEFT JOIN vouchers_clearingentry e ON e.clearing_id = c.id
     GROUP BY c.id
)
SELECT code || ' of ' || budget_year, 'the books of both regions sum to ' || SUM(fen)
  FROM stood WHERE code LIKE 'clear:%' GROUP BY code, budget_year HAVING SUM(fen) <> 0
UNION ALL
SELECT 'entries ' || w.code || ' of ' || w.budget_year,
       'say ' || w.fen || ' is open, the debtor''s book says ' || COALESCE(s.fen, 0)
  FROM (SELECT 'clear:' || d.adcode || ':' || k.adcode AS code, d.adcode, e.budget_year,
               COALESCE(SUM(e.amount_fen) FILTER (
                   WHERE c.state IS NULL OR c.state NOT IN ('confirmed', 'settled')), 0) AS fen
          FROM vouchers_clearingentry e
          JOIN identity_organization d ON d.id = e.debtor_id
          JOIN identity_organization k ON k.id = e.creditor_id
          LEFT JOIN vouchers_regionalclearing c ON c.id = e.clearing_id
         GROUP BY 1, 2, 3) w
  LEFT JOIN stood s ON s.code = w.code AND s.budget_year = w.budget_year
                   AND s.issuer_adcode = w.adcode
 WHERE w.fen <> COALESCE(s.fen, 0)
UNION ALL
SELECT 'entry ' || e.reference, 'its transfers moved something else'
  FROM vouchers_clearingentry e
 WHERE (SELECT COUNT(*) FROM ledger_posting p
         WHERE p.transfer_id IN (e.debtors_transfer_id, e.creditors_transfer_id)
           AND p.amount_fen = e.amount_fen) <> 2
UNION ALL
SELECT 'clearing ' || id, 'nets ' || one_owes_fen || ' and ' || other_owes_fen || ', its entries '
       || one_sum || ' and ' || other_sum
  FROM between_two WHERE one_owes_fen <> one_sum OR other_owes_fen <> other_sum
UNION ALL
SELECT 'clearing ' || c.id, 'pays ' || COALESCE(p.amount_fen, 0) || ' of a net '
       || abs(c.one_owes_fen - c.other_owes_fen)
  FROM vouchers_regionalclearing c LEFT JOIN treasury_payable p ON p.id = c.payable_id
 WHERE c.state IN ('confirmed', 'settled')
   AND (COALESCE(p.amount_fen, 0) <> abs(c.one_owes_fen - c.other_owes_fen)
        OR p.issuer_id <> CASE WHEN c.one_owes_fen > c.other_owes_fen THEN c.one_id
                               ELSE c.other_id END)
UNION ALL
SELECT 'clearing ' || c.id, 'is settled and ' || s.code || ' holds ' || s.fen
  FROM vouchers_regionalclearing c JOIN stood s ON s.code LIKE 'net:' || c.id || ':%'
 WHERE c.state = 'settled' AND s.fen <> 0
UNION ALL
SELECT 'agreement ' || a.id, 'accepted ' || SUM(x.fen) || ' of at most ' || a.cap_fen
  FROM vouchers_acceptanceagreement a
  JOIN (SELECT s.agreement_id, CASE WHEN r.state = 'reserved' THEN r.reserved_fen
               ELSE r.committed_fen - r.returned_fen END AS fen
          FROM vouchers_acceptedspending s JOIN vouchers_redemption r ON r.id = s.redemption_id
         WHERE r.state NOT IN ('released', 'lapsed')) x ON x.agreement_id = a.id
 GROUP BY a.id, a.cap_fen HAVING SUM(x.fen) > a.cap_fen
"""

# A basis is its own bytes, adds up, and is what its award was computed from; a correction is the
# difference it says, and ends as a payable or as recoveries of exactly that.
AWARDS = """
WITH read AS (
    SELECT b.*, b.document::jsonb AS d FROM vouchers_awardbasis b
)
SELECT 'basis ' || b.award_id || '/' || b.number, 'does not match its hash or does not add up'
  FROM read b
 WHERE encode(sha256(convert_to(b.document, 'UTF8')), 'hex') <> b.digest
    OR (d->>'gross_fen')::bigint <> (d->>'excluded_fen')::bigint + (d->>'basis_fen')::bigint
    OR (d->>'basis_fen')::bigint <> b.basis_fen
    OR (d->>'gross_fen')::bigint <> (SELECT COALESCE(SUM((t->>'total_fen')::bigint), 0)
                                       FROM jsonb_array_elements(d->'trades') t)
    OR (d->>'excluded_fen')::bigint <> (SELECT COALESCE(SUM((x->>'amount_fen')::bigint), 0)
                                          FROM jsonb_array_elements(d->'exclusions') x)
UNION ALL
SELECT 'award ' || a.id, 'was computed from ' || (a.facts->>(b.d->>'fact'))
       || ', its basis says ' || b.basis_fen
  FROM vouchers_subsidyaward a JOIN read b ON b.award_id = a.id AND b.number = 0
 WHERE (a.facts->>(b.d->>'fact'))::bigint IS DISTINCT FROM b.basis_fen
UNION ALL
SELECT 'award ' || a.id, 'is corrected from another amount than it had'
  FROM vouchers_subsidyaward a
  JOIN (SELECT c.*, SUM(difference_fen) OVER (PARTITION BY award_id ORDER BY id) AS sofar
          FROM vouchers_awardcorrection c WHERE state NOT IN ('rejected', 'superseded')) c
    ON c.award_id = a.id
 WHERE a.amount_fen + c.sofar <> c.now_fen
UNION ALL
SELECT 'correction ' || c.id, 'differs by ' || c.difference_fen || ', owed '
       || COALESCE(p.amount_fen, 0) || ', asked back ' || COALESCE(r.fen, 0)
  FROM vouchers_awardcorrection c
  LEFT JOIN treasury_payable p ON p.id = c.payable_id
  LEFT JOIN (SELECT m.awardcorrection_id, SUM(k.claimed_fen) AS fen
               FROM vouchers_awardcorrection_recoveries m
               JOIN treasury_recoverycase k ON k.id = m.recoverycase_id
              GROUP BY 1) r ON r.awardcorrection_id = c.id
 WHERE c.state IN ('approved', 'paid')
   AND c.difference_fen <> COALESCE(p.amount_fen, 0) - COALESCE(r.fen, 0)
"""

ONCE = """
SELECT 'award ' || a.id, 'overlaps award ' || b.id
  FROM vouchers_subsidyaward a
  JOIN vouchers_policyversion av ON av.id = a.version_id
  JOIN vouchers_subsidyaward b
    ON b.beneficiary_id = a.beneficiary_id AND b.id > a.id AND b.state <> 'rejected'
   AND b.period_start < a.period_end AND a.period_start < b.period_end
  JOIN vouchers_policyversion bv ON bv.id = b.version_id AND bv.programme_id = av.programme_id
 WHERE a.state <> 'rejected'
UNION ALL
SELECT 'claim ' || MIN(e.claim_id), kind || ' ' || MIN(number) || ' supports another claim too'
  FROM vouchers_claimevidence e JOIN vouchers_claim c ON c.id = e.claim_id
 WHERE c.state NOT IN ('draft', 'rejected', 'withdrawn')
 GROUP BY kind, e.fingerprint HAVING COUNT(DISTINCT e.claim_id) > 1
UNION ALL
SELECT 'order ' || order_reference, 'redeemed ' || COUNT(*) || ' times'
  FROM vouchers_redemption GROUP BY order_reference HAVING COUNT(*) > 1
UNION ALL
SELECT 'application ' || application_id, 'issued ' || COUNT(*) || ' vouchers'
  FROM vouchers_voucher WHERE application_id IS NOT NULL
 GROUP BY application_id HAVING COUNT(*) > 1
"""

# The lines of a settled year, counted again from the postings in one go.
SETTLED = """
WITH settled AS (
    SELECT id, book_id, last_posting FROM vouchers_yearsettlement WHERE state <> 'counting'
), ends AS (
    SELECT s.id AS settlement_id, a.code, p.amount_fen AS fen
      FROM settled s
      JOIN ledger_account a ON a.book_id = s.book_id AND a.code LIKE 'rdm:%'
      JOIN ledger_posting p ON p.destination_id = a.id AND p.id <= s.last_posting
    UNION ALL
    SELECT s.id, a.code, -p.amount_fen
      FROM settled s
      JOIN ledger_account a ON a.book_id = s.book_id AND a.code LIKE 'rdm:%'
      JOIN ledger_posting p ON p.source_id = a.id AND p.id <= s.last_posting
      JOIN ledger_account d ON d.id = p.destination_id AND d.code NOT LIKE 'pay:%'
), accounts AS (
    SELECT settlement_id, split_part(code, ':', 2) AS named, SUM(fen) AS fen
      FROM ends GROUP BY 1, 2
), earned AS (
    SELECT a.settlement_id, SUM(a.fen) AS fen,
           COALESCE(r.provider_id, split_part(a.named, '-', 2)::bigint) AS organization_id
      FROM accounts a
      LEFT JOIN vouchers_redemption r
        ON r.id = CASE WHEN a.named ~ '^[0-9]+$' THEN a.named::bigint END
     GROUP BY 1, 3
), expected AS (
    SELECT settlement_id, organization_id, false AS is_platform, fen FROM earned
    UNION ALL
    SELECT m.settlement_id, m.platform_id, true, COALESCE(SUM(e.fen), 0)
      FROM vouchers_settlementmember m JOIN settled s ON s.id = m.settlement_id
      LEFT JOIN earned e
        ON e.settlement_id = m.settlement_id AND e.organization_id = m.provider_id
     GROUP BY 1, 2
)
SELECT 'settlement ' || settlement_id || ' of organization ' || organization_id,
       'says ' || COALESCE(l.earned_fen, 0) || ', postings say ' || COALESCE(e.fen, 0)
  FROM expected e
  FULL JOIN vouchers_settlementline l USING (settlement_id, organization_id, is_platform)
 WHERE COALESCE(l.earned_fen, 0) <> COALESCE(e.fen, 0)
UNION ALL
SELECT 'settlement ' || l.settlement_id || ' of organization ' || l.organization_id,
       'its award is of another organization, other terms or another year'
  FROM vouchers_settlementline l JOIN vouchers_subsidyaward w ON w.id = l.award_id
  JOIN vouchers_yearsettlement y ON y.id = l.settlement_id
  JOIN ledger_book b ON b.id = y.book_id
 WHERE w.beneficiary_id <> l.organization_id OR w.version_id IS DISTINCT FROM y.version_id
    OR w.period_start <> make_date(b.budget_year, 1, 1)
    OR w.period_end <> make_date(b.budget_year + 1, 1, 1)
"""

# The value of vouchers and awards moves only under terms that were in force. A payment of an
# award is later than its terms by nature, and names them.
UNDER_TERMS = """
WITH terms AS MATERIALIZED (
    SELECT g.code || '@' || v.number AS label, MIN(v.effective_from) AS effective_from
      FROM vouchers_policyversion v JOIN vouchers_programme g ON g.id = v.programme_id
     WHERE v.state IN ('approved', 'superseded') GROUP BY 1
), unfounded AS MATERIALIZED (
    SELECT t.id, t.reference, t.policy_version
      FROM ledger_transfer t LEFT JOIN terms ON terms.label = t.policy_version
     WHERE terms.label IS NULL OR terms.effective_from > t.effective_at
)
SELECT DISTINCT 'transfer ' || t.reference,
       COALESCE('moved under ' || t.policy_version || ', which was not in force',
                'names no policy version')
  FROM unfounded t
  JOIN ledger_posting p ON p.transfer_id = t.id
  JOIN ledger_account s ON s.id = p.source_id
  JOIN ledger_account d ON d.id = p.destination_id
 WHERE s.code ~ '^(vch|rdm|awd|clm):' OR d.code ~ '^(vch|rdm|awd|clm):'
"""

SIGNED = """
SELECT 'policy version ' || id, 'drafted and approved by fewer than three people'
  FROM vouchers_policyversion
 WHERE approved_by_1_id = approved_by_2_id OR drafted_by_id IN (approved_by_1_id, approved_by_2_id)
UNION ALL
SELECT 'application ' || a.id, 'applied for, reviewed and approved by fewer than three people'
  FROM vouchers_application a
 WHERE a.reviewed_by_id = a.approved_by_id
    OR a.applied_by_id IN (a.reviewed_by_id, a.approved_by_id)
UNION ALL
SELECT 'award ' || id, 'proposed and approved by fewer than three people'
  FROM vouchers_subsidyaward
 WHERE approved_by_1_id = approved_by_2_id OR proposed_by_id IN (approved_by_1_id, approved_by_2_id)
UNION ALL
SELECT 'correction ' || id, 'proposed and approved by fewer than three people'
  FROM vouchers_awardcorrection
 WHERE approved_by_1_id = approved_by_2_id OR proposed_by_id IN (approved_by_1_id, approved_by_2_id)
UNION ALL
SELECT 'award ' || a.id, 'approved with a stage unsigned'
  FROM vouchers_subsidyaward a
 WHERE a.state IN ('approved', 'paid')
   AND (SELECT COUNT(DISTINCT r.reviewer_id) FROM vouchers_awardreview r WHERE r.award_id = a.id)
       < jsonb_array_length(a.stages)
UNION ALL
SELECT 'claim ' || c.id, 'approved by fewer than two others than who made it'
  FROM vouchers_claim c
 WHERE c.state IN ('approved', 'paid')
   AND (SELECT COUNT(DISTINCT r.reviewer_id) FROM vouchers_claimreview r
         WHERE r.claim_id = c.id AND r.outcome = 'passed'
           AND r.reviewer_id <> c.claimed_by_id) < 2
UNION ALL
SELECT 'application ' || a.id, 'the chain knows another reviewer or approver'
  FROM vouchers_application a
 WHERE a.state IN ('approved', 'issued')
   AND (SELECT COUNT(*) FROM audit_auditevent e
         WHERE e.subject_type = 'vouchers.application' AND e.subject_id = a.id::text
           AND ((e.kind = 'application.recommended' AND e.person_id = a.reviewed_by_id)
             OR (e.kind = 'application.approved' AND e.person_id = a.approved_by_id))) <> 2
"""


def _answers_replay() -> Iterable[Violation]:
    for answer in EntitlementAnswer.objects.select_related("version").order_by("pk").iterator():
        if sha256_hex(answer.evaluation) != answer.digest:
            yield Violation(f"entitlement answer {answer.pk}", "does not match its hash")
            continue
        yield from _replays(
            f"entitlement answer {answer.pk}", json.loads(answer.evaluation), answer.version.terms
        )
    decided = Application.objects.exclude(evaluation=None).select_related("version")
    for application in decided.order_by("pk").iterator():
        if application.version is not None and application.evaluation is not None:
            yield from _replays(
                f"application {application.pk}", application.evaluation, application.version.terms
            )
    for award in SubsidyAward.objects.select_related("version").order_by("pk").iterator():
        yield from _replays(f"award {award.pk}", award.evaluation, award.version.terms)
    for basis in AwardBasis.objects.order_by("pk").iterator():
        yield from _weighs_again(basis)
    for correction in AwardCorrection.objects.select_related("award__version").iterator():
        yield from _replays(
            f"correction {correction.pk}", correction.evaluation, correction.award.version.terms
        )
    for claim in Claim.objects.select_related("version").order_by("pk").iterator():
        yield from _replays(f"claim {claim.pk}", claim.evaluation, claim.version.terms)


def _replays(subject: str, record: dict[str, object], terms: dict[str, object]) -> list[Violation]:
    try:
        replay(record, Terms.load(terms))
    except (RuleError, KeyError, ValueError) as error:
        return [Violation(subject, f"does not replay: {error}")]
    return []


def _weighs_again(basis: AwardBasis) -> list[Violation]:
    """The stored bytes follow from the rows they hold."""
    subject = f"basis {basis.award_id}/{basis.number}"
    try:
        again = replay_basis(json.loads(basis.document))
    except (KeyError, TypeError, ValueError) as error:
        return [Violation(subject, f"does not replay: {error}")]
    if again.text != basis.document:
        return [Violation(subject, "its rows give another basis")]
    return []


PROOFS = [
    Proof(
        "I4",
        "What an envelope has committed is what was approved and not yet issued.",
        rows_that_violate(PROMISED),
        reads=("treasury_envelope", "vouchers_application"),
    ),
    Proof(
        "I5",
        "Face value = available + reserved + earned + settled + lapsed + voided, per voucher.",
        rows_that_violate(FACE),
        reads=("ledger_posting", "vouchers_voucher", "vouchers_redemption"),
    ),
    Proof(
        "I6",
        "Each redemption and its hold tell one story, and what was redeemed is earned or paid.",
        rows_that_violate(EARNED),
        reads=("vouchers_redemption", "ledger_posting", "vouchers_subsidyaward", "vouchers_claim"),
    ),
    Proof(
        "I4",
        "A window gives out its tranche and no fen more, in the order of places.",
        rows_that_violate(WINDOWS),
        reads=("vouchers_claimwindow", "vouchers_windowanswer"),
    ),
    Proof(
        "I9",
        "No order, application or period is funded twice.",
        rows_that_violate(ONCE),
        reads=("vouchers_redemption", "vouchers_subsidyaward", "vouchers_claimevidence"),
    ),
    Proof(
        "I11",
        "What regions owe each other sums to zero over both books, and is netted as it was owed.",
        rows_that_violate(REGIONS),
        reads=("vouchers_clearingentry", "vouchers_regionalclearing", "vouchers_acceptedspending"),
    ),
    Proof(
        "awards",
        "An award rests on its basis, and what was corrected of it is owed or asked back.",
        rows_that_violate(AWARDS),
        reads=("vouchers_awardbasis", "vouchers_awardcorrection"),
    ),
    Proof(
        "I10",
        "The value of vouchers and awards moves only under terms in force.",
        rows_that_violate(UNDER_TERMS),
        reads=("ledger_transfer", "vouchers_policyversion"),
    ),
    Proof(
        "four-eyes",
        "Nobody decided what they made or signed.",
        rows_that_violate(SIGNED),
        reads=("vouchers_policyversion", "vouchers_application", "vouchers_claim"),
    ),
    Proof(
        "replay",
        "Every stored answer follows from its inputs and terms.",
        _answers_replay,
        reads=("vouchers_entitlementanswer", "vouchers_application", "vouchers_subsidyaward"),
    ),
    Proof(
        "settlement",
        "A settled year says what its postings say, and rewards platforms for that.",
        rows_that_violate(SETTLED),
        reads=("vouchers_settlementline", "vouchers_settlementsum"),
    ),
]
