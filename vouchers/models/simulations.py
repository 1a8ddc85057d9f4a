"""What stands behind an approval: rule test cases, and a simulation on a named data set."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable
from identity.models import User
from vouchers.models.programmes import PolicyVersion


class RuleTestCase(models.Model):
    """One worked example. Terms never change, so its outcome is computed once and stays."""

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="test_cases")
    name = models.TextField(_("name"))
    facts = models.JSONField(_("facts"))
    asked_at = models.DateTimeField(_("as of"))
    expected_fen = models.PositiveBigIntegerField(_("expected (fen)"))
    evaluation = models.JSONField(_("evaluation"))
    computed_fen = models.PositiveBigIntegerField(_("computed (fen)"))
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("rule test case")
        verbose_name_plural = _("rule test cases")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "name"], name="a_test_case_has_a_name_of_its_own"
            ),
        ]
        triggers = immutable("rule_test_case")

    def __str__(self) -> str:
        return self.name

    @property
    def passes(self) -> bool:
        """Whether the terms give what the officer worked out."""
        return self.expected_fen == self.computed_fen


class SimulationRun(models.Model):
    """A version run over a named data set: the report its approvers read."""

    class Source(models.TextChoices):
        RECORDED = "recorded", _("recorded applications and claims")
        UPLOADED = "uploaded", _("uploaded file")

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="simulations")
    compared_to = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, blank=True, related_name="+"
    )
    data_set = models.TextField(_("data set"))
    source = models.TextField(_("source"), choices=Source)
    data_digest = models.CharField(_("hash of the data"), max_length=64)
    claims = models.PositiveIntegerField(_("claims"))
    cost_fen = models.PositiveBigIntegerField(_("cost (fen)"))
    report = models.JSONField(_("report"))
    run_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    run_at = models.DateTimeField(_("run at"))

    class Meta:
        verbose_name = _("simulation run")
        verbose_name_plural = _("simulation runs")
        constraints = [
            models.CheckConstraint(
                condition=Q(claims__gt=0) & ~Q(data_set=""),
                name="a_simulation_names_data_that_is_there",
            ),
        ]
        triggers = immutable("simulation_run")

    def __str__(self) -> str:
        return f"{self.version} · {self.data_set}"
