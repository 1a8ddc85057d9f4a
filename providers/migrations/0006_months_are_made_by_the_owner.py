"""A month of readings is a new table: made with its owner's rights, whoever sends the readings."""

from django.db import migrations

FUNCTION = "providers_make_reading_month(date)"


class Migration(migrations.Migration):
    dependencies = [("providers", "0005_verified_and_reminded")]
    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {FUNCTION} SECURITY DEFINER"
            " SET search_path = pg_catalog, public, pg_temp",
            f"ALTER FUNCTION {FUNCTION} SECURITY INVOKER RESET search_path",
        )
    ]
