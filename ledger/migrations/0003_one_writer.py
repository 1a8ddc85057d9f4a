"""The SQL function that is the only writer of transfers, postings and holds."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0003_post_batch.sql").read_text()
BACK = """
DROP FUNCTION ledger_post_batch(jsonb), ledger_judge(jsonb), ledger_write(jsonb, int[]),
    ledger_lock_accounts(bigint[]), ledger_close(bigint, timestamptz, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards_judge_whole_batches")]
    operations = [migrations.RunSQL(SQL, BACK)]
