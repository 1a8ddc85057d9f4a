"""The roles of the separation-of-duties matrix, and which cannot meet on one object."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person may do for an organization."""

    POLICY_DRAFTER = "policy_drafter", _("policy drafter")
    POLICY_APPROVER = "policy_approver", _("policy approver")
    BUDGET_OFFICER = "budget_officer", _("budget officer")
    REVIEWER = "reviewer", _("reviewer")
    FINANCE_REVIEWER = "finance_reviewer", _("finance reviewer")
    BATCH_MAKER = "batch_maker", _("payout batch maker")
    BATCH_CHECKER = "batch_checker", _("payout batch checker")
    BATCH_RELEASER = "batch_releaser", _("payout batch releaser")
    AUDITOR = "auditor", _("auditor")
    FRAUD_ANALYST = "fraud_analyst", _("fraud analyst")
    RATING_VERIFIER = "rating_verifier", _("rating verifier")
    PLATFORM_OPERATOR = "platform_operator", _("platform operator")
    PROVIDER_ADMIN = "provider_admin", _("provider administrator")
    ENTERPRISE_APPLICANT = "enterprise_applicant", _("enterprise applicant")
    ENTERPRISE_APPROVER = "enterprise_approver", _("enterprise approver")


GOVERNMENT_ROLES = frozenset(
    {
        Role.POLICY_DRAFTER,
        Role.POLICY_APPROVER,
        Role.BUDGET_OFFICER,
        Role.REVIEWER,
        Role.FINANCE_REVIEWER,
        Role.BATCH_MAKER,
        Role.BATCH_CHECKER,
        Role.BATCH_RELEASER,
        Role.AUDITOR,
        Role.FRAUD_ANALYST,
        Role.RATING_VERIFIER,
    }
)

ROLES_BY_KIND = {
    "government": GOVERNMENT_ROLES,
    "enterprise": frozenset({Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER}),
    "provider": frozenset({Role.PROVIDER_ADMIN}),
    "platform": frozenset({Role.PLATFORM_OPERATOR}),
}
