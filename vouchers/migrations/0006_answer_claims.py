"""The functions that answer claims; see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0006_answer_claims.sql"
UNDO = """
DROP FUNCTION vouchers_make_out(bigint, bigint);
DROP FUNCTION vouchers_promote_waiting(bigint);
DROP FUNCTION vouchers_claim_batch(bigint, bigint[], bigint[], text[], text[], bigint[]);
DROP FUNCTION vouchers_why_not_open(vouchers_claimwindow, timestamptz);
DROP FUNCTION vouchers_record_of_window(bigint, text, text, timestamptz);
DROP FUNCTION vouchers_move_window_money(
    vouchers_claimwindow, text, text, bigint, bigint, bigint, timestamptz);
DROP FUNCTION vouchers_claim_clock();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0005_claim_windows"),
        ("audit", "0001_initial"),
        ("ledger", "0001_initial"),
        ("treasury", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL([(SQL.read_text(), None)], [(UNDO, None)]),
    ]
