"""The SQL function that redeems vouchers at once, a batch in one call."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0010_redeem_batch.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0009_redeem_at_once"),
        ("ledger", "0004_post_one"),
        ("audit", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SQL, "DROP FUNCTION redeem_batch(jsonb, timestamptz)")]
