"""Published facts that everybody shares: hub areas, grid factors, accelerators."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import never_deleted


class HubArea(models.Model):
    """One of the 21 areas of the national hub nodes, with what is printed about it."""

    seq = models.PositiveSmallIntegerField(_("printed number"), unique=True)
    hub = models.TextField(_("hub"))
    cluster = models.TextField(_("cluster"))
    area = models.TextField(_("area"))
    adcode = models.CharField(_("GB/T 2260 code"), max_length=6)
    adcode_basis = models.TextField(_("basis of the code"))
    metrics = models.JSONField(_("printed figures"), help_text=_("null = not printed = unknown"))
    details = models.JSONField(_("further printed facts"), default=dict)
    evidence = models.TextField(_("evidence"))
    source = models.JSONField(_("source"))

    class Meta:
        verbose_name = _("hub area")
        verbose_name_plural = _("hub areas")
        constraints = [
            models.CheckConstraint(
                condition=Q(adcode__regex=r"^[0-9]{6}$"), name="a_hub_area_has_an_adcode"
            )
        ]
        triggers = never_deleted("hub_area")

    def __str__(self) -> str:
        return f"{self.seq} {self.area}"


class GridFactor(models.Model):
    """A published CO2 factor of grid electricity. A place that published none has no row."""

    place = models.TextField(_("place"))
    data_year = models.PositiveSmallIntegerField(_("year of the data"))
    kg_per_kwh = models.DecimalField(_("kgCO2 per kWh"), max_digits=8, decimal_places=5)
    notice = models.TextField(_("notice"))
    evidence = models.TextField(_("evidence"))
    sources = models.JSONField(_("sources"), default=list)
    version = models.TextField(_("version of the facts"))

    class Meta:
        verbose_name = _("grid factor")
        verbose_name_plural = _("grid factors")
        constraints = [
            models.UniqueConstraint(
                fields=["place", "data_year", "version"], name="a_grid_factor_is_published_once"
            ),
            models.CheckConstraint(
                condition=Q(kg_per_kwh__gte=0), name="a_grid_factor_is_not_negative"
            ),
        ]
        triggers = never_deleted("grid_factor")

    def __str__(self) -> str:
        return f"{self.place} {self.data_year}"


class AcceleratorModel(models.Model):
    """A catalogue row; a null figure is one that no named source gives."""

    code = models.TextField(_("code"), unique=True)
    model = models.TextField(_("model"))
    vendor = models.TextField(_("vendor"), null=True, blank=True)
    origin = models.TextField(_("origin"))
    trace_names = models.JSONField(_("names in traces"), default=list)
    tdp_w = models.DecimalField(
        _("board power (W)"), max_digits=8, decimal_places=2, null=True, blank=True
    )
    memory_gb = models.DecimalField(
        _("memory (GB)"), max_digits=8, decimal_places=2, null=True, blank=True
    )
    embodied_kg = models.DecimalField(
        _("carbon of making one (kgCO2e)"), max_digits=10, decimal_places=3, null=True, blank=True
    )
    peak = models.JSONField(_("dense peaks (TFLOPS, INT8 TOPS)"), default=dict)
    interconnect = models.JSONField(_("interconnect"), default=dict)
    figure_sources = models.JSONField(_("source of each figure"), default=dict)
    note = models.TextField(_("note"), null=True, blank=True)
    version = models.TextField(_("version of the catalogue"))

    class Meta:
        verbose_name = _("accelerator model")
        verbose_name_plural = _("accelerator models")
        triggers = never_deleted("accelerator_model")

    def __str__(self) -> str:
        return self.model
