"""The application's role owns nothing and creates nothing; months are made as the tables' owner."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0005_verified_and_reminded'),
    ]

    operations = [
        migrations.RunSQL(
            """
            ALTER FUNCTION providers_make_reading_month(date) SECURITY DEFINER;
            ALTER FUNCTION providers_make_reading_month(date) SET search_path FROM CURRENT;
            """,
            migrations.RunSQL.noop,
        ),
    ]
