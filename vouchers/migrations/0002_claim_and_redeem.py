"""The SQL functions that answer claims on a window and redeem vouchers at once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"
BACK = """
DROP FUNCTION redeem_batch(jsonb, timestamptz);
DROP FUNCTION vouchers_make_out(bigint, bigint);
DROP FUNCTION vouchers_promote_waiting(bigint);
DROP FUNCTION vouchers_claim_batch(bigint, bigint[], bigint[], text[], text[], bigint[]);
DROP FUNCTION vouchers_why_not_open(vouchers_claimwindow, timestamptz);
DROP FUNCTION vouchers_record_of_window(bigint, text, text, timestamptz);
DROP FUNCTION vouchers_move_window_money(
    vouchers_claimwindow, text, text, bigint, bigint, bigint, timestamptz);
DROP FUNCTION vouchers_post_of_window(vouchers_claimwindow, text, text, jsonb, timestamptz);
DROP FUNCTION vouchers_claim_clock();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0001_initial"),
        ("audit", "0001_initial"),
        ("ledger", "0002_one_writer"),
        ("treasury", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            [(SQL / name).read_text() for name in ("answer_claims.sql", "redeem_batch.sql")], BACK
        )
    ]
