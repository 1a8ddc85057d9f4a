"""One question to every programme at once, with its inputs, so that it can be asked again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable
from identity.models import Organization, User


class CombinedAnswer(models.Model):
    """Canonical JSON: the facts, each programme's version and what was used, and the answer."""

    enterprise = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(_("asked at"))
    inputs = models.TextField(_("inputs (canonical JSON)"))
    answer = models.TextField(_("answer (canonical JSON)"))
    digest = models.CharField(_("hash of the answer"), max_length=64)
    best_fen = models.PositiveBigIntegerField(_("best combination (fen)"))

    class Meta:
        verbose_name = _("combined answer")
        verbose_name_plural = _("combined answers")
        triggers = immutable("combined_answer")

    def __str__(self) -> str:
        return f"{self.enterprise} {self.asked_at:%Y-%m-%d}"
