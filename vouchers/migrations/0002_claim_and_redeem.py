"""The SQL functions that answer claims on a window and redeem vouchers at once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"
BACK = """
DROP FUNCTION redeem_batch, redeem_one_by_one, redeem_event, redeem_hash, redeem_asked;
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
    # A database made before 2026-11-23 has these already.
    replaces = [
        ("vouchers", "0002_decided_by_others_and_awarded_once"),
        ("vouchers", "0003_written_once_more"),
        ("vouchers", "0004_what_a_refund_returned"),
        ("vouchers", "0005_claim_windows"),
        ("vouchers", "0006_answer_claims"),
        ("vouchers", "0007_post_by_the_one_writer"),
        ("vouchers", "0008_pay_then_claim"),
        ("vouchers", "0009_redeem_at_once"),
        ("vouchers", "0010_redeem_batch"),
        ("vouchers", "0011_simulated_before_approval"),
    ]
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
