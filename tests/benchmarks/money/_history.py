"""Years of redemptions that were made before the bench began, written by the server itself.

Transfers, postings and redemptions as `redeem_batch` would have written them, in bulk and past the
triggers; balances follow, so that `verify_books` finds nothing wrong. They have no audit events.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.benchmarks.money._books import BALANCES, Books

ROWS = int(os.environ.get("MONEY_ROWS", str(10**7)))  # postings
CHUNK = 250_000  # redemptions
EACH_FEN = 100
EACH_AT = 8
POSTINGS = 2  # of one redemption: the voucher's and the quota's

# Number n of the history is the n-th redemption: its voucher and provider follow from n. A voucher
# is spent at EACH_AT providers, all providers together are visited.
WRITE = """
WITH base AS (
    SELECT e.id AS envelope_id, e.book_id, g.code || '@' || p.number AS version,
           quota.id AS quota_id, used.id AS used_id
      FROM treasury_envelope e
      JOIN vouchers_voucher v ON v.id = %(first)s AND v.envelope_id = e.id
      JOIN vouchers_policyversion p ON p.id = v.version_id
      JOIN vouchers_programme g ON g.id = p.programme_id
      JOIN ledger_account quota
        ON quota.book_id = e.book_id AND quota.code = 'env:' || e.id || ':quota'
      JOIN ledger_account used
        ON used.book_id = e.book_id AND used.code = 'quota:' || e.id || ':used'
), numbered AS (
    SELECT n, %(first)s + n %% %(vouchers)s AS voucher_id, %(provider)s
           + (n %% %(vouchers)s * %(each_at)s + n / %(vouchers)s %% %(each_at)s) %% %(providers)s
           AS provider_id
      FROM generate_series(%(low)s::bigint, %(high)s::bigint) n
), asked AS MATERIALIZED (
    SELECT n, v.id AS voucher_id, v.version_id, v.available_id, a.id AS earned_id,
           base.book_id, base.version, base.quota_id, base.used_id,
           provider_id,
           %(transfer)s + n AS transfer_id,
           v.valid_from + (n %% 31000000) * interval '1 second' AS at
      FROM numbered CROSS JOIN base
      JOIN vouchers_voucher v ON v.id = voucher_id
      JOIN ledger_account a ON a.book_id = base.book_id
           AND a.code = 'rdm:' || base.envelope_id || '-' || provider_id || ':earned'
     ORDER BY n
), transfers AS (
    INSERT INTO ledger_transfer (id, reference, body_hash, kind, book_id, effective_at,
                                 recorded_at, policy_version, transaction_id)
    OVERRIDING SYSTEM VALUE
    SELECT transfer_id, 'redemption:old-' || lpad(n::text, 9, '0') || ':redeem', '', 'redeem',
           book_id, at, at, version, 0
      FROM asked
), postings AS (
    INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)
    SELECT transfer_id, source_id, destination_id, %(fen)s
      FROM asked, LATERAL (VALUES (available_id, earned_id), (quota_id, used_id))
           AS line (source_id, destination_id)
)
INSERT INTO vouchers_redemption (voucher_id, version_id, order_reference, provider_id,
    transfer_id, earned_id, reserved_fen, committed_fen, returned_fen, reserved_at, state)
SELECT voucher_id, version_id, 'old-' || lpad(n::text, 9, '0'), provider_id, transfer_id,
       earned_id, %(fen)s, %(fen)s, 0, at, 'committed'
  FROM asked
"""
PAST_THE_TRIGGERS = "SET session_replication_role = replica"


def postings_of(made: Books) -> int:
    """How many postings the ledger has."""
    with psycopg.connect(made.url) as connection:
        row = connection.execute("SELECT count(*) FROM ledger_posting").fetchone()
    assert row is not None
    return int(row[0])


def grow(made: Books, postings: int) -> None:
    """Bring the ledger up to `postings` rows, two connections at a time."""
    first, last = made.hot
    with psycopg.connect(made.url, autocommit=True) as connection:
        missing = max(postings - postings_of(made), 0) // POSTINGS
        row = connection.execute(
            "SELECT (SELECT count(*) FROM ledger_transfer WHERE reference LIKE 'redemption:old-%'),"
            " nextval('ledger_transfer_id_seq')"
        ).fetchone()
        assert row is not None
        begun, transfer = row
        asked = {
            "first": first,
            "vouchers": last - first + 1,
            "provider": made.providers[0],
            "providers": made.providers[1] - made.providers[0] + 1,
            "transfer": transfer - begun,
            "fen": EACH_FEN,
            "each_at": EACH_AT,
        }
        connection.execute("SELECT setval('ledger_transfer_id_seq', %s)", [transfer + missing + 1])
        chunks = [
            {**asked, "low": low, "high": min(low + CHUNK, begun + missing) - 1}
            for low in range(begun, begun + missing, CHUNK)
        ]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda chunk: _write(made.url, chunk), chunks))
        connection.execute(PAST_THE_TRIGGERS)
        connection.execute(BALANCES)
        for table in ("ledger_transfer", "ledger_posting", "ledger_account", "vouchers_redemption"):
            connection.execute(f"VACUUM ANALYZE {table}")


def _write(url: str, chunk: dict[str, int]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PAST_THE_TRIGGERS)
        connection.execute(WRITE, chunk)
