"""Roles lent for a time, and roles taken in an emergency. Both end by themselves."""

from datetime import timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import never_deleted, written_once
from identity.models.people import Organization, User
from identity.roles import Role
from identity.triggers import lends_what_is_held

LONGEST_DELEGATION = timedelta(days=90)
LONGEST_BREAK_GLASS = timedelta(hours=8)


def lasts_at_most(longest: timedelta) -> Q:
    """A condition: the range `valid` is bounded on both sides, not empty, and within `longest`."""
    return Q(
        valid__isempty=False,
        valid__lower_inf=False,
        valid__upper_inf=False,
        valid__endswith__lte=F("valid__startswith") + longest,
    )


class Delegation(models.Model):
    """A role lent by who holds it to a colleague, for at most 90 days.

    It never restores a conflict: what is compared is people, over an object's whole history, and a
    lent role carries the lender's own signatures with it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="delegations")
    lender = models.ForeignKey(User, models.PROTECT, related_name="delegations_given")
    borrower = models.ForeignKey(User, models.PROTECT, related_name="delegations_held")
    role = models.TextField(_("role"), choices=Role)
    valid = DateTimeRangeField(_("valid"), default_bounds="[)")
    reason = models.TextField(_("reason"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("delegation")
        verbose_name_plural = _("delegations")
        constraints = [
            models.CheckConstraint(
                condition=~Q(lender=F("borrower")), name="nobody_lends_a_role_to_themselves"
            ),
            models.CheckConstraint(
                condition=lasts_at_most(LONGEST_DELEGATION),
                name="a_delegation_ends_within_ninety_days",
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.AUDITOR), name="an_auditors_role_is_not_lent"
            ),
            ExclusionConstraint(
                name="a_role_is_lent_once_at_a_time",
                expressions=[
                    ("organization", RangeOperators.EQUAL),
                    ("lender", RangeOperators.EQUAL),
                    ("borrower", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(revoked_at__isnull=True),
            ),
        ]
        triggers = [
            *never_deleted("delegation"),
            written_once(
                "delegation",
                "organization_id",
                "lender_id",
                "borrower_id",
                "role",
                "valid",
                "reason",
                "revoked_at",
            ),
            lends_what_is_held(),
        ]

    def __str__(self) -> str:
        return f"{self.lender} → {self.borrower}: {self.role}"


class BreakGlass(models.Model):
    """A role taken in an emergency, for at most eight hours, in full view of the auditor."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="emergencies")
    user = models.ForeignKey(User, models.PROTECT, related_name="emergencies")
    role = models.TextField(_("role"), choices=Role)
    valid = DateTimeRangeField(_("valid"), default_bounds="[)")
    reason = models.TextField(_("reason"))
    ended_at = models.DateTimeField(_("ended early at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("emergency role")
        verbose_name_plural = _("emergency roles")
        constraints = [
            models.CheckConstraint(
                condition=lasts_at_most(LONGEST_BREAK_GLASS),
                name="an_emergency_ends_within_eight_hours",
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.AUDITOR), name="nobody_takes_the_auditors_role"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="an_emergency_has_a_reason"),
            ExclusionConstraint(
                name="one_emergency_at_a_time",
                expressions=[
                    ("organization", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(ended_at__isnull=True),
            ),
        ]
        triggers = [
            *never_deleted("break_glass"),
            written_once(
                "break_glass", "organization_id", "user_id", "role", "valid", "reason", "ended_at"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"
