from django.db import migrations


class Migration(migrations.Migration):
    """A counter that moves whenever promised hours are given back; see pull_market.supply_stamp."""

    dependencies = [("scheduling", "0002_plans_at_scale")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE scheduling_capacity_freed",
            "DROP SEQUENCE scheduling_capacity_freed",
        )
    ]
