"""A redemption is one statement; its guard finds rows by their keys."""

from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


# A database that was migrated before has the function in its older form.
AGAIN = (
    "DROP FUNCTION IF EXISTS redeem_batch, redeem_one_by_one, redeem_event, redeem_hash, redeem_asked;"
    + (Path(__file__).parent / "sql" / "redeem_batch.sql").read_text()
)


class Migration(migrations.Migration):

    dependencies = [
        ('vouchers', '0008_paid_and_returned'),
    ]

    operations = [
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name='redemption',
            name='redemption_names_what_exists',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='redemption',
            trigger=pgtrigger.compiler.Trigger(name='redemption_names_what_exists', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    -- LIMIT and OFFSET keep each look-up by its key: a voucher has many postings.\n                    IF EXISTS (\n                        SELECT 1 FROM written w\n                          LEFT JOIN LATERAL (\n                              SELECT id, available_id FROM vouchers_voucher\n                               WHERE id = w.voucher_id AND version_id = w.version_id LIMIT 1\n                          ) v ON true\n                         WHERE v.id IS NULL\n                            OR NOT EXISTS (SELECT 1 FROM identity_organization\n                                            WHERE id = w.provider_id OFFSET 0)\n                            OR w.transfer_id IS NOT NULL AND NOT EXISTS (\n                               SELECT 1 FROM (SELECT * FROM ledger_posting\n                                               WHERE transfer_id = w.transfer_id OFFSET 0) p\n                                WHERE p.source_id = v.available_id\n                                  AND p.destination_id = w.earned_id\n                                  AND p.amount_fen = w.committed_fen)\n                    ) THEN\n                        RAISE EXCEPTION 'a redemption of no such voucher, provider or transfer'\n                            USING ERRCODE = 'check_violation',\n                                  CONSTRAINT = 'a_redemption_names_what_exists';\n                    END IF;\n                    RETURN NULL;\n                ", hash='67b4022ddbdda4fb71cc2c2ed68db753f262fb17', level='STATEMENT', operation='INSERT', pgid='pgtrigger_redemption_names_what_exists_640c0', referencing='REFERENCING NEW TABLE AS written ', table='vouchers_redemption', when='AFTER')),
        ),
    ]
