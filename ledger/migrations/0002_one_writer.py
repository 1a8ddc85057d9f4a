"""The SQL functions that are the only writers of transfers, postings and holds."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "post_batch.sql").read_text()
BACK = """
DROP FUNCTION ledger_post_batch(jsonb), ledger_judge(jsonb), ledger_write(jsonb, int[]),
    ledger_lock_accounts(bigint[]), ledger_close(bigint, timestamptz, boolean), ledger_post_one(
    text, text, text, bigint, timestamptz, text, bigint, bigint, bigint[], bigint[], bigint[]);
"""


class Migration(migrations.Migration):
    # A database made before 2026-11-23 has these already.
    replaces = [
        ("ledger", "0002_guards_judge_whole_batches"),
        ("ledger", "0003_one_writer"),
        ("ledger", "0004_post_one"),
        ("ledger", "0005_fewer_indexes"),
    ]
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(SQL, BACK)]
