"""What a provider has: facilities, pools of like capacity, and when they are available."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, written_once
from identity.models import Organization
from identity.uscc import validate_adcode
from providers.models.catalogue import AcceleratorModel, HubArea


class Facility(models.Model):
    """A data centre. Null figures are unknown; the items that need them stay unrated.

    `official_statuses` copies other bodies' verdicts (kind, level, certificate_number, issuer,
    valid_from, valid_until, document_sha256); they are never computed here.
    """

    provider = models.ForeignKey(Organization, models.PROTECT, related_name="facilities")
    hub_area = models.ForeignKey(
        HubArea, models.PROTECT, related_name="facilities", null=True, blank=True
    )
    adcode = models.CharField(_("GB/T 2260 code"), max_length=6, validators=[validate_adcode])
    name = models.TextField(_("name"))
    design_racks = models.PositiveIntegerField(_("design racks"), null=True, blank=True)
    installed_racks = models.PositiveIntegerField(_("installed racks"), null=True, blank=True)
    racks_in_use = models.PositiveIntegerField(_("racks in use"), null=True, blank=True)
    nominal_rack_kw = models.DecimalField(
        _("nominal rack power (kW)"), max_digits=10, decimal_places=3, null=True, blank=True
    )
    adjustable_load_kw = models.DecimalField(
        _("adjustable load (kW)"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    maximum_load_kw = models.DecimalField(
        _("maximum load (kW)"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    official_statuses = models.JSONField(_("official statuses"), default=list, blank=True)
    sample = models.BooleanField(_("sample data"), default=False)
    basis = models.TextField(_("what the record rests on"), blank=True, default="")
    registered_at = models.DateTimeField(_("registered at"))

    class Meta:
        verbose_name = _("facility")
        verbose_name_plural = _("facilities")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "name"], name="a_provider_names_a_facility_once"
            ),
            models.CheckConstraint(
                condition=Q(adcode__regex=r"^[0-9]{6}$"), name="a_facility_has_an_adcode"
            ),
            models.CheckConstraint(
                condition=Q(racks_in_use__isnull=True)
                | Q(installed_racks__isnull=True)
                | Q(racks_in_use__lte=F("installed_racks")),
                name="racks_in_use_are_installed",
            ),
        ]
        triggers = [*never_deleted("facility"), written_once("facility", "provider_id")]

    def __str__(self) -> str:
        return self.name


POOL_MOVES = (
    ("active", "paused"),
    ("paused", "active"),
    ("active", "retired"),
    ("paused", "retired"),
)


class Pool(models.Model):
    """Like capacity in one facility.

    `slice_id` (统一算力标识) names the physical slice, once, whatever platforms list it.
    `kw_per_unit` is the IT power of one busy unit. Null latency, residency and availability were
    not promised: they are unknown and meet no requirement.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        RETIRED = "retired", _("retired")

    class Latency(models.TextChoices):
        WITHIN_1_MS = "within_1_ms", _("within 1 ms of the metropolitan network")
        WITHIN_5_MS = "within_5_ms", _("within 5 ms")
        WITHIN_20_MS = "within_20_ms", _("within 20 ms")
        ABOVE_20_MS = "above_20_ms", _("above 20 ms")

    MOVES = POOL_MOVES

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="pools")
    code = models.TextField(_("code"))
    slice_id = models.TextField(_("unified compute identifier"), unique=True)
    accelerator = models.ForeignKey(AcceleratorModel, models.PROTECT, related_name="pools")
    units = models.PositiveIntegerField(_("units"), validators=[MinValueValidator(1)])
    kw_per_unit = models.DecimalField(
        _("IT power of one unit (kW)"), max_digits=9, decimal_places=4
    )
    network_latency = models.TextField(
        _("network latency class"), choices=Latency, null=True, blank=True
    )
    data_residency = models.CharField(
        _("where data stay (GB/T 2260 code or CN)"), max_length=6, null=True, blank=True
    )
    sla_availability = models.DecimalField(
        _("availability promised (share)"), max_digits=7, decimal_places=6, null=True, blank=True
    )
    state = models.TextField(_("state"), choices=State, default=State.ACTIVE)
    sample = models.BooleanField(_("sample data"), default=False)

    class Meta:
        verbose_name = _("pool")
        verbose_name_plural = _("pools")
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "code"], name="a_facility_names_a_pool_once"
            ),
            models.CheckConstraint(condition=Q(units__gte=1), name="a_pool_has_units"),
            models.CheckConstraint(condition=Q(kw_per_unit__gt=0), name="a_busy_unit_draws_power"),
            models.CheckConstraint(
                condition=Q(sla_availability__isnull=True) | Q(sla_availability__range=(0, 1)),
                name="an_availability_promised_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(data_residency__isnull=True)
                | Q(data_residency__regex=r"^([0-9]{6}|CN)$"),
                name="data_stay_in_a_named_place",
            ),
        ]
        triggers = [
            *never_deleted("pool"),
            moves_only_along("pool", POOL_MOVES),
            written_once("pool", "facility_id", "slice_id"),
        ]

    def __str__(self) -> str:
        return self.code


class PoolWindow(models.Model):
    """A time in which a pool is available, half-open. None at all: always available."""

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="windows")
    available = DateTimeRangeField(_("available"), default_bounds="[)")

    class Meta:
        verbose_name = _("availability window")
        verbose_name_plural = _("availability windows")
        constraints = [
            ExclusionConstraint(
                name="windows_of_a_pool_do_not_overlap",
                expressions=[
                    ("pool", RangeOperators.EQUAL),
                    ("available", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(available__isempty=False), name="a_window_is_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.available}"
