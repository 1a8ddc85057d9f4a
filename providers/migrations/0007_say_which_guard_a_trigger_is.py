"""pgtrigger knows a guard by the hash in its comment; the cut table's were made without one."""

from django.db import migrations

COMMENT = "COMMENT ON TRIGGER {name} ON providers_meterreading IS '{hash}';"
GUARDS = {
    "pgtrigger_meter_reading_is_never_edited_6d25e": "76163e22f74836053c3fdb741ee2c7c4ecbff0c6",
    "pgtrigger_meter_reading_is_never_emptied_5c02a": "0db31f10454042e68be7cc5942dc84af9ad89c0e",
}


class Migration(migrations.Migration):
    dependencies = [("providers", "0006_months_are_made_as_the_owner")]
    operations = [
        migrations.RunSQL(
            "\n".join(COMMENT.format(name=name, hash=known) for name, known in GUARDS.items()),
            migrations.RunSQL.noop,
        )
    ]
