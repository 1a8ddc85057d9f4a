"""A single redemption takes the busy quota row last; answers of windows have one writer."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"
BEFORE = (SQL / "redeem_batch.sql").read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
# The application's role answers claims through it and inserts no answers of its own.
CLAIMS = "vouchers_claim_batch(bigint, bigint[], bigint[], text[], text[], bigint[])"
ONE_WRITER = f"""
ALTER FUNCTION {CLAIMS} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
REVOKE ALL ON FUNCTION {CLAIMS} FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0005_settle_years")]
    operations = [
        migrations.RunSQL((SQL / "budget_row_last.sql").read_text(), BEFORE),
        migrations.RunSQL(
            ONE_WRITER, f"ALTER FUNCTION {CLAIMS} SECURITY INVOKER RESET search_path"
        ),
    ]
