"""The Celery application: `celery --app marketplace worker`."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

from marketplace import filesystem_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

filesystem_broker.install()
app = Celery("marketplace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
