from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scheduling', '0002_closures_are_the_providers'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='workload',
            name='workload_state',
        ),
        migrations.AddIndex(
            model_name='workload',
            index=models.Index(condition=models.Q(('state', 'submitted')), fields=['id'], name='workloads_that_wait'),
        ),
    ]
