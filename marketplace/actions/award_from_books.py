"""An award whose basis nobody types: gathered from the books, weighed, and handed to its rule."""

from datetime import date, datetime

from django.db.models import Q

from audit.decisions import SYSTEM, Actor
from identity.models import Organization
from marketplace.trade_books import gather_basis
from vouchers import policy
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.correct_award import propose_correction
from vouchers.models import AwardCorrection, PolicyVersion, SubsidyAward
from vouchers.refusals import BasisNotInBooks
from vouchers.rules.award_basis import GATHERED, Basis
from vouchers.rules.uses import bases_used


def gather_for(
    *,
    version: PolicyVersion,
    beneficiary: Organization,
    period_start: date,
    period_end: date,
    at: datetime,
) -> Basis:
    """The basis the terms of `version` ask for. Reads only. Raises BasisNotInBooks."""
    bases = bases_used(version.terms)
    known = [name for name in bases if name in GATHERED]
    if len(bases) != 1 or not known:
        raise BasisNotInBooks(field="policy_version", basis=", ".join(bases) or "-")
    return gather_basis(
        beneficiary=beneficiary,
        fact=known[0],
        period_start=period_start,
        period_end=period_end,
        at=at,
    )


def award_from_books(
    *,
    version: PolicyVersion,
    beneficiary: Organization,
    period_start: date,
    period_end: date,
    actor: Actor,
    at: datetime,
) -> SubsidyAward:
    """Propose what the rule grants on the basis the books tell, and keep that basis with it.

    Raises BasisNotInBooks, and what propose_award raises.
    """
    if actor is not SYSTEM:
        policy.require_issuer(actor, version.programme.issuer, *policy.DECIDERS, *policy.REVIEWERS)
    basis = gather_for(
        version=version,
        beneficiary=beneficiary,
        period_start=period_start,
        period_end=period_end,
        at=at,
    )
    return propose_award(
        version=version,
        beneficiary=beneficiary,
        period_start=period_start,
        period_end=period_end,
        facts={},
        basis=basis,
        actor=actor,
        at=at,
    )


def recheck_award(
    *, award: SubsidyAward, cause: str, actor: Actor, at: datetime
) -> AwardCorrection | None:
    """Gather the basis of `award` again and raise the difference; None where there is none.

    Raises BasisNotInBooks, and what propose_correction raises.
    """
    basis = gather_for(
        version=award.version,
        beneficiary=award.beneficiary,
        period_start=award.period_start,
        period_end=award.period_end,
        at=at,
    )
    return propose_correction(award=award, basis=basis, cause=cause, actor=actor, at=at)


def recheck_awards_of_order(*, order_id: int, cause: str, at: datetime) -> int:
    """The books changed about an order: recheck every award whose basis holds it."""
    return _recheck(Q(bases__document__contains=f'"order":{order_id},'), cause, at)


def recheck_awards_of_parties(*, usccs: tuple[str, ...], cause: str, at: datetime) -> int:
    """Two parties are found to be related: recheck the awards in whose basis one of them traded."""
    named = Q()
    for uscc in usccs:
        named |= Q(bases__document__contains=f'"{uscc}"')
    return _recheck(named, cause, at)


def _recheck(where: Q, cause: str, at: datetime) -> int:
    awards = SubsidyAward.objects.filter(where).exclude(state="rejected").distinct()
    rows = awards.select_related("version__programme", "beneficiary").order_by("pk")
    for award in rows:
        recheck_award(award=award, cause=cause, actor=SYSTEM, at=at)
    return len(rows)
