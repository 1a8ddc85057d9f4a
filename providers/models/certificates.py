"""Green electricity certificates (绿证): 1 MWh each, allocated to one facility and period, once."""

import pgtrigger
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, moves_only_along, never_deleted, written_once
from identity.models import Organization
from providers.models.inventory import Facility

CERTIFICATE_MOVES = (
    ("held", "allocated"),
    ("allocated", "retired"),
)


class GreenCertificate(models.Model):
    """One certificate. `vintage` is the first day of the month in which the power was made."""

    class State(models.TextChoices):
        HELD = "held", _("held")
        ALLOCATED = "allocated", _("allocated")
        RETIRED = "retired", _("retired")

    class Backs(models.TextChoices):
        GRID = "grid", _("grid electricity")
        ONSITE = "onsite", _("on-site generation")
        DIRECT_LINE = "direct_line", _("direct green line")

    MOVES = CERTIFICATE_MOVES

    owner = models.ForeignKey(Organization, models.PROTECT, related_name="green_certificates")
    serial = models.TextField(_("serial number"), unique=True)
    mwh = models.PositiveSmallIntegerField(_("MWh"), default=1)
    vintage = models.DateField(_("month of generation"))
    backs = models.TextField(_("backs"), choices=Backs, default=Backs.GRID)
    lapses_on = models.DateField(_("lapses on"), null=True, blank=True)
    state = models.TextField(_("state"), choices=State, default=State.HELD)
    sample = models.BooleanField(_("sample data"), default=False)
    registered_at = models.DateTimeField(_("registered at"))

    class Meta:
        verbose_name = _("green certificate")
        verbose_name_plural = _("green certificates")
        constraints = [
            models.CheckConstraint(condition=Q(mwh=1), name="a_certificate_is_one_mwh"),
            models.CheckConstraint(
                condition=Q(vintage__day=1), name="a_vintage_is_the_first_of_a_month"
            ),
        ]
        indexes = [models.Index(fields=["owner", "state"], name="certificate_by_owner")]
        triggers = [
            *never_deleted("green_certificate"),
            moves_only_along("green_certificate", CERTIFICATE_MOVES),
            written_once("green_certificate", "serial", "owner_id", "vintage", "backs", "mwh"),
        ]

    def __str__(self) -> str:
        return self.serial


class CertificateAllocation(models.Model):
    """The one facility and period a certificate counts for. Nothing takes it back."""

    certificate = models.OneToOneField(GreenCertificate, models.PROTECT, related_name="allocation")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="allocations")
    period = DateTimeRangeField(_("period"), default_bounds="[)")
    allocated_at = models.DateTimeField(_("allocated at"))
    person_id = models.BigIntegerField(_("person"), null=True)

    class Meta:
        verbose_name = _("certificate allocation")
        verbose_name_plural = _("certificate allocations")
        triggers = [
            *immutable("certificate_allocation"),
            pgtrigger.Trigger(
                name="a_certificate_serves_its_owner",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF (SELECT owner_id FROM providers_greencertificate
                         WHERE id = NEW.certificate_id)
                       IS DISTINCT FROM
                       (SELECT provider_id FROM providers_facility WHERE id = NEW.facility_id)
                    THEN
                        RAISE EXCEPTION 'certificate % belongs to somebody else',
                            NEW.certificate_id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_certificate_serves_its_owner';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.certificate_id} → {self.facility_id}"
