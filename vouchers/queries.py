"""What terms hold, what was used, and what a voucher can do."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from identity.models import Organization
from vouchers.models import (
    Application,
    PolicyVersion,
    Programme,
    Redemption,
    SubsidyAward,
    Voucher,
)
from vouchers.refusals import ProgrammeNotActive, TermsRefused
from vouchers.rules import (
    Evaluation,
    RuleError,
    Terms,
    Usage,
    UsageEntry,
    evaluate,
    schema_of_facts,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


def version_in_force(programme: Programme, *, at: datetime) -> PolicyVersion:
    """The approved terms effective at `at`, the newest first. Raises ProgrammeNotActive."""
    version = (
        programme.versions.filter(state="approved", effective_from__lte=at)
        .order_by("-effective_from", "-number")
        .first()
    )
    if version is None:
        raise ProgrammeNotActive(programme=programme.code, current="without terms in force")
    return version


def with_spending(vouchers: QuerySet[Voucher]) -> QuerySet[Voucher]:
    """`vouchers` with `redeemed_fen` (spent by orders), `settled_fen` (of it, paid out) and
    `lapsed_fen` (gone back to the envelope), in the same query."""

    def spent(**where: Any) -> Coalesce:
        of_one = Redemption.objects.filter(voucher=OuterRef("pk"), **where).order_by()
        total = (
            of_one.values("voucher")
            .annotate(total=Sum(F("committed_fen") - F("returned_fen")))
            .values("total")
        )
        return Coalesce(Subquery(total), 0)

    left = F("available__balance_fen") + F("reserved__balance_fen")
    return vouchers.annotate(
        redeemed_fen=spent(), settled_fen=spent(state=Redemption.State.SETTLED)
    ).annotate(lapsed_fen=F("face_fen") - left - F("redeemed_fen"))


def usage_of(programme: Programme, enterprise: Organization) -> Usage:
    """Public money of `programme` that `enterprise` already has, each fen once.

    A voucher counts as applied for what is not redeemed yet, on the day its application was
    approved, and as redeemed for what is. An award counts in the year of its period.
    """
    entries = []
    vouchers = (
        Voucher.objects.filter(programme=programme, holder=enterprise)
        .exclude(state__in=["expired", "voided"])
        .select_related("application")
    )
    redeemed = Redemption.objects.filter(
        voucher__programme=programme,
        voucher__holder=enterprise,
        committed_fen__gt=F("returned_fen"),
    ).select_related("voucher")
    spent: dict[int, int] = {}
    for redemption in redeemed:
        spent[redemption.voucher_id] = spent.get(redemption.voucher_id, 0) + redemption.kept_fen
        entries.append(
            UsageEntry(
                on=_day(redemption.reserved_at),
                amount_fen=redemption.kept_fen,
                stage="redeemed",
                voucher_ref=redemption.voucher.serial,
            )
        )
    for voucher in vouchers:
        rest = voucher.face_fen - spent.get(voucher.pk, 0)
        if rest:
            entries.append(
                UsageEntry(
                    on=_day(voucher.application.approved_at or voucher.valid_from),
                    amount_fen=rest,
                    stage="applied",
                    voucher_ref=voucher.serial,
                )
            )
    waiting = Application.objects.filter(
        programme=programme, applicant=enterprise, state="approved"
    )
    for application in waiting:
        if application.amount_fen and application.approved_at:
            entries.append(
                UsageEntry(
                    on=_day(application.approved_at),
                    amount_fen=application.amount_fen,
                    stage="applied",
                )
            )
    awards = SubsidyAward.objects.filter(
        version__programme=programme, beneficiary=enterprise
    ).exclude(state="rejected")
    entries += [
        UsageEntry(on=award.period_start, amount_fen=award.amount_fen, stage="applied")
        for award in awards.order_by("pk")
    ]
    return Usage(tuple(entries))


def _day(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()


def facts_of(enterprise: Organization, terms: Terms, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the register knows of `enterprise`, over what the application says.

    Registered facts win: nobody types their own USCC or place of registration.
    """
    wanted = schema_of_facts(terms.document)["properties"]
    registered = {"uscc": enterprise.uscc, "registered_adcode": enterprise.adcode}
    registered |= {key: value for key, value in enterprise.facts.items() if key in wanted}
    return {**given, **{key: value for key, value in registered.items() if key in wanted}}


def evaluate_for(
    version: PolicyVersion,
    enterprise: Organization,
    facts: Mapping[str, Any],
    *,
    at: datetime,
) -> Evaluation:
    """The terms' answer for `enterprise` at `at`, with what it already has. Raises TermsRefused."""
    terms = Terms.load(version.terms)
    try:
        return evaluate(
            terms,
            facts_of(enterprise, terms, facts),
            at=at,
            used=usage_of(version.programme, enterprise),
            policy_version=version.label,
        )
    except RuleError as error:
        raise TermsRefused(error) from error
