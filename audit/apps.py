"""What happened and why."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "audit"
    verbose_name = _("What happened and why")

    def ready(self) -> None:
        from audit.guards import let_nobody_ignore_triggers

        post_migrate.connect(let_nobody_ignore_triggers, sender=self)
