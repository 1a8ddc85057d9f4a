"""Who may do what in the programme office."""

from django.db.models import Q, QuerySet

from audit.decisions import Actor, NotFound, SamePerson
from identity.models import Membership, Organization
from identity.policy import require_role, sees_everything
from identity.roles import GOVERNMENT_ROLES, Role
from vouchers.models import (
    AcceptanceAgreement,
    Application,
    Claim,
    ClaimWindow,
    ClearingEntry,
    EntitlementAnswer,
    PolicyVersion,
    Programme,
    Redemption,
    RegionalClearing,
    SubsidyAward,
    Voucher,
    WindowAnswer,
)

DRAFTERS = (Role.POLICY_DRAFTER,)
APPROVERS = (Role.POLICY_APPROVER,)
REVIEWERS = (Role.REVIEWER,)
DECIDERS = (Role.FINANCE_REVIEWER,)
APPLICANTS = (Role.ENTERPRISE_APPLICANT,)
HOLDERS = (Role.FRAUD_ANALYST,)
AGREERS = (Role.BUDGET_OFFICER, Role.FINANCE_REVIEWER)


def require_issuer(actor: Actor, issuer: Organization, *roles: Role) -> None:
    """NotPermitted without one of `roles`; NotFound outside the issuing body."""
    require_role(actor, *roles)
    if actor.organization_id != issuer.pk:
        raise NotFound(thing="object")


def require_other_side(actor: Actor, applicant: Organization) -> None:
    """Nobody who belongs to the applicant decides for it. Raises SamePerson."""
    if Membership.objects.filter(user=actor.person_id or 0, organization=applicant).exists():
        raise SamePerson(
            first="belong to the applicant",
            second="decide its application",
            first_zh="隶属申请单位",
            second_zh="审核其申请",
        )


def require_somebody_else(actor: Actor, *earlier: int | None) -> None:
    """Raise SamePerson when the actor signed before. The database refuses it too."""
    if actor.person_id in [person for person in earlier if person is not None]:
        raise SamePerson(
            first="make or sign", second="approve", first_zh="提出或签署", second_zh="批准"
        )


def _government(actor: Actor) -> bool:
    return actor.has(*GOVERNMENT_ROLES)


def visible_programmes(actor: Actor) -> QuerySet[Programme]:
    """Active ones are public to who is logged in; drafts only to their issuer and auditors."""
    rows = Programme.objects.select_related("issuer", "envelope", "preset")
    if sees_everything(actor):
        return rows
    return rows.filter(~Q(state__in=["draft", "cancelled"]) | Q(issuer_id=actor.organization_id))


def visible_versions(actor: Actor) -> QuerySet[PolicyVersion]:
    """Approved terms are public; others only to their issuer and auditors."""
    rows = PolicyVersion.objects.select_related("programme__issuer")
    if sees_everything(actor):
        return rows
    return rows.filter(
        Q(state__in=["approved", "superseded"]) | Q(programme__issuer_id=actor.organization_id)
    )


def versions_on_trial(actor: Actor) -> QuerySet[PolicyVersion]:
    """Whose simulations and recomputations one may read: one's own issuer's, for auditors all.

    They name enterprises, so another city's stay its own even where its terms are public."""
    rows = visible_versions(actor)
    return rows if sees_everything(actor) else rows.filter(programme__issuer=actor.organization_id)


def visible_applications(actor: Actor) -> QuerySet[Application]:
    """One's own, and those made to one's own programmes."""
    rows = Application.objects.select_related("applicant", "programme", "version__programme")
    if sees_everything(actor):
        return rows
    mine = Q(applicant_id=actor.organization_id)
    if _government(actor):
        mine |= Q(programme__issuer_id=actor.organization_id)
    return rows.filter(mine)


def visible_vouchers(actor: Actor) -> QuerySet[Voucher]:
    """One's own, and those one's own programmes issued."""
    rows = Voucher.objects.select_related(
        "programme", "version__programme", "holder", "envelope", "available", "reserved"
    )
    if sees_everything(actor):
        return rows
    mine = Q(holder_id=actor.organization_id)
    if _government(actor):
        mine |= Q(programme__issuer_id=actor.organization_id)
    return rows.filter(mine)


def vouchers_to_spend(actor: Actor) -> QuerySet[Voucher]:
    """Those of `visible_vouchers`, with no more than judging an order needs."""
    return (
        visible_vouchers(actor)
        .select_related(None)
        .select_related("programme", "version__programme", "application")
        .only(
            *("serial", "face_fen", "state", "holder", "envelope", "window_answer"),
            *("programme__code", "programme__issuer", "application__facts"),
            *("version__number", "version__terms_digest", "version__programme__code"),
        )
    )


def visible_redemptions(actor: Actor) -> QuerySet[Redemption]:
    """The holder's, the provider's, and the issuer's."""
    rows = Redemption.objects.select_related(
        "voucher__programme", "provider", "payable", "version__programme", "hold"
    )
    if sees_everything(actor):
        return rows
    mine = Q(voucher__holder_id=actor.organization_id) | Q(provider_id=actor.organization_id)
    if _government(actor):
        mine |= Q(voucher__programme__issuer_id=actor.organization_id)
    return rows.filter(mine)


def visible_awards(actor: Actor) -> QuerySet[SubsidyAward]:
    """The beneficiary's own and the issuer's."""
    rows = SubsidyAward.objects.select_related("version__programme", "beneficiary", "payable")
    if sees_everything(actor):
        return rows
    mine = Q(beneficiary_id=actor.organization_id)
    if _government(actor):
        mine |= Q(version__programme__issuer_id=actor.organization_id)
    return rows.filter(mine)


def visible_claims(actor: Actor) -> QuerySet[Claim]:
    """One's own, and those made to one's own programmes."""
    rows = Claim.objects.select_related("claimant", "programme", "version__programme", "payable")
    if sees_everything(actor):
        return rows
    mine = Q(claimant_id=actor.organization_id)
    if _government(actor):
        mine |= Q(programme__issuer_id=actor.organization_id)
    return rows.filter(mine)


def visible_answers(actor: Actor) -> QuerySet[EntitlementAnswer]:
    """The answers one's own organization was given."""
    rows = EntitlementAnswer.objects.select_related("version__programme")
    if sees_everything(actor):
        return rows
    return rows.filter(enterprise_id=actor.organization_id)


def visible_windows(actor: Actor) -> QuerySet[ClaimWindow]:
    """Announced ones are public to who is logged in; drafts only to their issuer and auditors."""
    rows = ClaimWindow.objects.select_related(
        "programme__issuer", "version__programme", "envelope__book", "remaining", "granted"
    )
    if sees_everything(actor):
        return rows
    return rows.filter(
        ~Q(state__in=["drafted", "cancelled"]) | Q(programme__issuer_id=actor.organization_id)
    )


def visible_window_answers(actor: Actor) -> QuerySet[WindowAnswer]:
    """One's own, and those of one's own windows."""
    rows = WindowAnswer.objects.select_related("window", "enterprise", "voucher")
    if sees_everything(actor):
        return rows
    mine = Q(enterprise_id=actor.organization_id)
    if _government(actor):
        mine |= Q(window__programme__issuer_id=actor.organization_id)
    return rows.filter(mine)


def visible_acceptances(actor: Actor) -> QuerySet[AcceptanceAgreement]:
    """Those of one's own region, as issuer or as where it is spent."""
    rows = AcceptanceAgreement.objects.select_related("issuer", "spender").prefetch_related(
        "programmes"
    )
    if sees_everything(actor):
        return rows
    mine = actor.organization_id if _government(actor) else None
    return rows.filter(Q(issuer_id=mine) | Q(spender_id=mine))


def visible_entries(actor: Actor) -> QuerySet[ClearingEntry]:
    """What one's own region owes or is owed."""
    rows = ClearingEntry.objects.select_related("debtor", "creditor", "redemption")
    if sees_everything(actor):
        return rows
    mine = actor.organization_id if _government(actor) else None
    return rows.filter(Q(debtor_id=mine) | Q(creditor_id=mine))


def visible_clearings(actor: Actor) -> QuerySet[RegionalClearing]:
    """Clearings of one's own region."""
    rows = RegionalClearing.objects.select_related("one", "other", "payable")
    if sees_everything(actor):
        return rows
    mine = actor.organization_id if _government(actor) else None
    return rows.filter(Q(one_id=mine) | Q(other_id=mine))
