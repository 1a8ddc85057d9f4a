"""Windows post by the ledger's one writer; see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0007_post_by_the_one_writer.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0006_answer_claims"),
        ("ledger", "0003_one_writer"),
    ]

    operations = [
        migrations.RunSQL([(SQL.read_text(), None)], migrations.RunSQL.noop),
    ]
