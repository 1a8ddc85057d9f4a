"""The one writer, quicker for a single transfer."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0004_post_one.sql").read_text()
BACK = """
DROP FUNCTION ledger_post_one(
    text, text, text, bigint, timestamptz, text, bigint, bigint, bigint[], bigint[], bigint[])
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_one_writer")]
    operations = [migrations.RunSQL(SQL, BACK)]
