"""The chain is appended to by a sealer after the commit, and no longer by each commit in turn."""

from pathlib import Path

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

SQL = (Path(__file__).parent / "sql" / "seal.sql").read_text()


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='SealingCursor',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('last_event_id', models.BigIntegerField(default=0, verbose_name='last event')),
            ],
        ),
        migrations.CreateModel(
            name='UnseenRange',
            fields=[
                ('first_id', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='first event')),
                ('last_id', models.BigIntegerField(verbose_name='last event')),
                ('ends_before', models.BigIntegerField(null=True, verbose_name='ends before transaction')),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='auditevent',
            name='audit_event_joins_the_chain_at_commit',
        ),
        migrations.AlterField(
            model_name='auditlink',
            name='event',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='link', to='audit.auditevent'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditevent',
            trigger=pgtrigger.compiler.Trigger(name='audit_event_names_its_transaction_first', sql=pgtrigger.compiler.UpsertTriggerSql(func='PERFORM pg_current_xact_id(); RETURN NULL;', hash='314eccff2352385cdc05ca3572fc0aa8b45ee00b', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_event_names_its_transaction_first_9e869', table='audit_auditevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='sealingcursor',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='there_is_one_sealing_cursor'),
        ),
        migrations.AddConstraint(
            model_name='unseenrange',
            constraint=models.CheckConstraint(condition=models.Q(('last_id__gte', models.F('first_id'))), name='an_unseen_range_holds_an_id'),
        ),
        migrations.RunSQL(SQL, "DROP FUNCTION audit_seal(int)"),
    ]
