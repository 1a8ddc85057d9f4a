"""A function creates tables in the first schema of its path: that must be ours."""

from django.db import migrations

FUNCTION = "providers_make_reading_month(date)"


class Migration(migrations.Migration):
    dependencies = [("providers", "0006_months_are_made_by_the_owner")]
    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {FUNCTION} SET search_path = public, pg_temp",
            f"ALTER FUNCTION {FUNCTION} SET search_path = pg_catalog, public, pg_temp",
        )
    ]
