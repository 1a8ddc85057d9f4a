"""People, organizations, memberships, roles with dates, and keys for machines."""

from datetime import datetime

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey

from audit.decisions import Actor
from identity.roles import Role
from identity.uscc import validate_adcode, validate_uscc


class User(AbstractUser):
    """A person. Never deleted while history names them; deactivate instead."""

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")


class Organization(models.Model):
    """A government body, enterprise, provider or platform operator, known by its USCC."""

    class Kind(models.TextChoices):
        GOVERNMENT = "government", _("government body")
        ENTERPRISE = "enterprise", _("enterprise")
        PROVIDER = "provider", _("provider")
        PLATFORM = "platform", _("platform operator")

    kind = models.TextField(_("kind"), choices=Kind)
    name = models.TextField(_("name"))
    uscc = models.CharField(
        _("unified social credit code"), max_length=18, unique=True, validators=[validate_uscc]
    )
    adcode = models.CharField(_("GB/T 2260 code"), max_length=6, validators=[validate_adcode])
    facts = models.JSONField(_("registered facts"), default=dict, blank=True)
    sample = models.BooleanField(_("sample data"), default=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(uscc__regex=r"^[0-9A-HJ-NP-RTUW-Y]{18}$"),
                name="a_uscc_has_eighteen_characters_of_its_alphabet",
            ),
            models.CheckConstraint(
                condition=models.Q(adcode__regex=r"^[0-9]{6}$"), name="an_adcode_has_six_digits"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="organization_is_never_deleted", operation=pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person acts for an organization."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="memberships")

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization"], name="a_person_joins_an_organization_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} @ {self.organization}"

    def actor(self, *, at: datetime) -> Actor:
        """The actor this membership makes at `at`: roles granted, lent, or taken in an emergency.

        A loan ends with its lender's own grant.
        """
        granted, taken = models.Value(None, models.BigIntegerField()), models.Value(0)
        now = {"valid__contains": at}
        here = {"organization": self.organization_id}
        loans = self.user.delegations_held.filter(
            **here,
            **now,
            revoked_at__isnull=True,
            lender__memberships__organization=self.organization_id,
            lender__memberships__grants__role=models.F("role"),
            lender__memberships__grants__valid__contains=at,
        )
        emergencies = self.user.emergencies.filter(**here, **now, ended_at__isnull=True)
        held = set(
            self.grants.filter(**now)
            .values_list("role", granted)
            .union(
                loans.values_list("role", "lender_id"),
                emergencies.values_list("role", taken),
            )
        )
        own = {role for role, lender in held if not lender}
        return Actor(
            person_id=self.user_id,
            organization_id=self.organization_id,
            label=self.user.get_username(),
            roles=frozenset(role for role, _lender in held),
            lent=frozenset((role, lender) for role, lender in held if lender and role not in own),
        )


class RoleGrant(models.Model):
    """A role held for a time: half-open, and never twice at once."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="grants")
    role = models.TextField(_("role"), choices=Role)
    valid = DateTimeRangeField(_("valid"), default_bounds="[)")
    granted_by_id = models.BigIntegerField(_("granted by person"), null=True)

    class Meta:
        verbose_name = _("role grant")
        verbose_name_plural = _("role grants")
        constraints = [
            ExclusionConstraint(
                name="a_role_is_not_granted_twice_at_once",
                expressions=[
                    ("membership", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.membership}: {self.role}"


class ApiKey(AbstractAPIKey):
    """A machine's key for one membership; only its hash is stored."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="api_keys")

    class Meta:
        ordering = ("-created",)
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
