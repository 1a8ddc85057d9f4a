"""Answers of windows have one writer."""

from django.db import migrations

# The application's role answers claims through it and inserts no answers of its own.
CLAIMS = "vouchers_claim_batch(bigint, bigint[], bigint[], text[], text[], bigint[])"
ONE_WRITER = f"""
ALTER FUNCTION {CLAIMS} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
REVOKE ALL ON FUNCTION {CLAIMS} FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0005_settle_years")]
    operations = [
        migrations.RunSQL(
            ONE_WRITER, f"ALTER FUNCTION {CLAIMS} SECURITY INVOKER RESET search_path"
        ),
    ]
