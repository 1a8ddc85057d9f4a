"""A migrated database with a programme, vouchers and providers, for the benches to spend."""

import os
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import psycopg

from tests.benchmarks.money.reference import database_url

DATABASE = "bench_money"
VOUCHERS, PROVIDERS = 2000, 5000
HOLDERS = 40  # they share VOUCHERS of the hot envelope
FACE_FEN = 10**12


@dataclass(frozen=True)
class Books:
    """Ids to redeem with: `spread` vouchers draw on no common row, `hot` ones on one quota.

    So do those of `many`: (person, organization, first and last voucher) of each of HOLDERS.
    """

    url: str
    holder_id: int
    person_id: int
    providers: tuple[int, int]  # first and last id
    spread: tuple[int, int]
    hot: tuple[int, int]
    hot_envelope_id: int
    many: tuple[tuple[int, int, tuple[int, int]], ...]


@cache
def books() -> Books:
    """Make the database and fill it; once per process. Django is set up on it."""
    with psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    url = os.environ["DATABASE_URL"] = database_url(DATABASE)
    os.environ["LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from audit.outbox import doorbell

    doorbell.listen(lambda: None)  # nobody is there to hear it
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return _fill(url)


def _fill(url: str) -> Books:
    from django.db import connection, transaction

    from tests.factories import NOW
    from tests.vouchers.office import make_office, make_programme, make_voucher
    from vouchers.actions.add_redemption_quota import add_redemption_quota

    office = make_office()
    providers = _providers()
    ranges: list[tuple[int, int]] = []
    holder = None
    for hot in (False, True):
        programme = make_programme(office, holding_fen=10**15)
        voucher, applicant = make_voucher(
            office, programme=programme, applicant=holder, valid_through=date(2099, 12, 31)
        )
        holder = applicant
        ranges.append(_copies(voucher.pk, VOUCHERS))
        if hot:
            add_redemption_quota(
                envelope=voucher.envelope,
                amount_fen=9 * 10**15,
                reference="bench",
                actor=office.decider,
                at=NOW - timedelta(days=1),
            )
    many = []
    for _ in range(HOLDERS):
        voucher, one = make_voucher(office, programme=programme, valid_through=date(2099, 12, 31))
        copies = _copies(voucher.pk, VOUCHERS // HOLDERS)
        many.append((one.person_id or 0, one.organization_id or 0, copies))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert holder is not None
    return Books(
        url,
        holder.organization_id or 0,
        holder.person_id or 0,
        (providers[0], providers[-1]),
        ranges[0],
        ranges[1],
        voucher.envelope_id,
        tuple(many),
    )


def _providers() -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO identity_organization (kind, name, uscc, adcode, facts, sample)"
            " SELECT 'provider', 'bench ' || n, '91310000MB' || lpad(n::text, 8, '0'), '131000',"
            " '{}', true FROM generate_series(1, %s) AS n ORDER BY n RETURNING id",
            [PROVIDERS],
        )
        return [row[0] for row in cursor.fetchall()]


def _copies(voucher_id: int, copies: int) -> tuple[int, int]:
    """Copies of a voucher, each with an application and an account of its own with FACE_FEN."""
    from django.db import connection, transaction

    asked = {"voucher": voucher_id, "face": FACE_FEN, "copies": copies}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # nobody decided them
        cursor.execute(_COPIES, asked)
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_ISSUED, asked)
        cursor.execute(_EARNED, asked)
        cursor.execute(BALANCES)
    return ids[0], ids[-1]


_COPIES = """
WITH one AS (SELECT v.*, e.book_id FROM vouchers_voucher v
               JOIN treasury_envelope e ON e.id = v.envelope_id WHERE v.id = %(voucher)s),
made AS (
    INSERT INTO ledger_account (book_id, code, floor_fen, balance_fen)
    SELECT one.book_id, 'vch:bench-' || one.id || '-' || n || ':available', 0, 0
      FROM one, generate_series(1, %(copies)s) n ORDER BY n RETURNING id),
asked AS (
    INSERT INTO vouchers_application
    SELECT (jsonb_populate_record(a, jsonb_build_object(
                'id', nextval('vouchers_application_id_seq')))).*
      FROM one JOIN vouchers_application a ON a.id = one.application_id, made
    RETURNING id)
INSERT INTO vouchers_voucher (serial, programme_id, version_id, holder_id, envelope_id,
       face_fen, available_id, valid_from, valid_until, state, application_id)
SELECT 'bench-' || one.id || '-' || made.id, one.programme_id, one.version_id,
       one.holder_id, one.envelope_id, %(face)s, made.id, one.valid_from, one.valid_until,
       'claimed', asked.id
  FROM one, (SELECT id, row_number() OVER (ORDER BY id) AS n FROM made) made
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM asked) asked USING (n)
 ORDER BY made.id
RETURNING id
"""
# Appropriated, committed and issued as an office would have done it.
_ISSUED = """
WITH base AS (
    SELECT e.book_id, g.code || '@' || p.number AS version, v.valid_from AS at, v.id AS voucher,
           (SELECT min(id) FROM ledger_account f
             WHERE f.book_id = e.book_id AND f.code LIKE 'fund:%%') AS fund_id,
           available.id AS available_id, committed.id AS committed_id
      FROM vouchers_voucher v
      JOIN treasury_envelope e ON e.id = v.envelope_id
      JOIN vouchers_policyversion p ON p.id = v.version_id
      JOIN vouchers_programme g ON g.id = p.programme_id
      JOIN ledger_account available ON available.book_id = e.book_id
           AND available.code = 'env:' || e.id || ':available'
      JOIN ledger_account committed ON committed.book_id = e.book_id
           AND committed.code = 'env:' || e.id || ':committed'
     WHERE v.id = %(voucher)s
), asked AS (
    SELECT 'appropriate' AS kind, 0 AS n, fund_id AS source_id, available_id AS destination_id,
           %(face)s * %(copies)s AS fen FROM base
    UNION ALL
    SELECT 'commit', 0, available_id, committed_id, %(face)s * %(copies)s FROM base
    UNION ALL
    SELECT 'issue', v.id, committed_id, v.available_id, %(face)s
      FROM base JOIN vouchers_voucher v ON v.serial LIKE 'bench-' || base.voucher || '-%%'
), transfers AS (
    INSERT INTO ledger_transfer (reference, body_hash, kind, book_id, effective_at,
                                 policy_version, transaction_id)
    SELECT 'bench:' || voucher || ':' || kind || ':' || n, '', kind, book_id, at, version,
           txid_current()
      FROM asked, base RETURNING id, reference
)
INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)
SELECT transfers.id, source_id, destination_id, fen
  FROM asked JOIN base ON true
  JOIN transfers ON reference = 'bench:' || voucher || ':' || kind || ':' || n
"""
# Each provider has redeemed under the envelope before: its account is there.
_EARNED = """
INSERT INTO ledger_account (book_id, code, floor_fen, balance_fen)
SELECT e.book_id, 'rdm:' || e.id || '-' || o.id || ':earned', 0, 0
  FROM vouchers_voucher v JOIN treasury_envelope e ON e.id = v.envelope_id
  JOIN identity_organization o ON o.uscc LIKE '91310000MB%%'
 WHERE v.id = %(voucher)s ON CONFLICT DO NOTHING
"""
BALANCES = """
UPDATE ledger_account a SET balance_fen = moved.fen
  FROM (SELECT account_id, sum(fen) AS fen
          FROM (SELECT source_id AS account_id, -amount_fen AS fen FROM ledger_posting
                UNION ALL SELECT destination_id, amount_fen FROM ledger_posting) AS ends
         GROUP BY account_id) AS moved
 WHERE a.id = moved.account_id AND a.floor_fen IS NOT NULL AND a.balance_fen <> moved.fen
"""
