"""What terms hold, what was used, and what a voucher can do."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from identity.models import Organization
from vouchers.models import (
    Application,
    Claim,
    ClaimWindow,
    PolicyVersion,
    Programme,
    Redemption,
    SubsidyAward,
    Voucher,
    WindowAdmission,
    WindowAnswer,
)
from vouchers.refusals import ProgrammeNotActive, TermsRefused
from vouchers.rules import (
    Evaluation,
    RuleError,
    Terms,
    TermsProblem,
    Usage,
    UsageEntry,
    evaluate,
    schema_of_facts,
    stacking_cycles,
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


def terms_of(version: PolicyVersion) -> Terms:
    """The checked terms of `version`: read once by each process, since they are written once."""
    return _terms(version.pk, version.terms_digest)


@lru_cache(maxsize=256)
def _terms(pk: int, _digest: str) -> Terms:
    return Terms.load(PolicyVersion.objects.values_list("terms", flat=True).get(pk=pk))


def stacking_problems(document: Mapping[str, Any]) -> list[TermsProblem]:
    """Cycles of "counted after" that `document` would close with other programmes' approved terms.
    Pointers are into `document`."""
    name = document["programme"]["id"]
    if not document.get("stacking", {}).get("after"):
        return []
    approved = (
        PolicyVersion.objects.filter(state="approved")
        .order_by("programme", "-number")
        .distinct("programme")
    )
    documents = {
        terms["programme"]["id"]: terms for terms in approved.values_list("terms", flat=True)
    }
    return [
        replace(problem, pointer="/stacking/after")
        for problem in stacking_cycles({**documents, name: document})
        if f" {name} " in f" {problem.text_en.removeprefix('stacking cycle: ')} "
    ]


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


def usage_of(
    programme: Programme,
    enterprise: Organization,
    *,
    without: Claim | SubsidyAward | None = None,
) -> Usage:
    """Public money of `programme` that `enterprise` already has, each fen once.

    A voucher counts as applied for what is not redeemed yet, on the day its application was
    approved, and as redeemed for what is, a day at a time. An award counts in the year of its
    period. An admission to a claim window counts from the day it was given until its voucher is
    made out or it comes to nothing, so that nobody is promised the same allowance twice. A claim
    counts from the day it was handed in, unless it was rejected or withdrawn; `without` leaves one
    out.
    """
    entries = []
    vouchers = (
        Voucher.objects.filter(programme=programme, holder=enterprise)
        .exclude(state__in=["expired", "voided"])
        .select_related("application", "window_answer")
    )
    spent: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_KEPT_BY_DAY, [programme.pk, enterprise.pk])
        for voucher_id, serial, day, fen in cursor.fetchall():
            spent[voucher_id] = spent.get(voucher_id, 0) + int(fen)
            entries.append(
                UsageEntry(on=day, amount_fen=int(fen), stage="redeemed", voucher_ref=serial)
            )
    for voucher in vouchers:
        rest = voucher.face_fen - spent.get(voucher.pk, 0)
        if rest:
            entries.append(
                UsageEntry(
                    on=_day(_granted_at(voucher)),
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
    entries += _admitted(programme, enterprise)
    entries += _awarded(programme, enterprise, without)
    claims = Claim.objects.filter(programme=programme, claimant=enterprise).exclude(
        state__in=["draft", "rejected", "withdrawn"]
    )
    if isinstance(without, Claim):
        claims = claims.exclude(pk=without.pk)
    entries += [
        UsageEntry(on=_day(claim.submitted_at), amount_fen=claim.amount_fen, stage="applied")
        for claim in claims.order_by("pk")
    ]
    return Usage(tuple(entries))


def caps_orders(terms: Terms) -> bool:
    """Whether a cap of `terms` looks at what other orders redeemed. An order names no contract."""
    return any(
        "redeemed" in cap.get("counts", ("redeemed",))
        and cap["per"] not in ("contract", "application", "voucher")
        for cap in terms.document.get("caps", ())
    )


def redeemed_before(voucher: Voucher, terms: Terms) -> Usage:
    """What orders of the voucher's holder have spent or hold, a day at a time, if caps ask."""
    if not caps_orders(terms):
        return Usage()
    with connection.cursor() as cursor:
        cursor.execute(_REDEEMED_BY_DAY, [voucher.programme_id, voucher.holder_id])
        return Usage(
            tuple(
                UsageEntry(on=day, amount_fen=int(fen), stage="redeemed")
                for day, fen in cursor.fetchall()
            )
        )


# LATERAL and OFFSET find redemptions by their voucher, however many others there are: the planner
# would read them all for a holder of many vouchers.
_REDEEMED_BY_DAY = """
SELECT (r.reserved_at AT TIME ZONE 'Asia/Shanghai')::date, sum(r.fen)
  FROM vouchers_voucher v, LATERAL (
        SELECT reserved_at, CASE state WHEN 'reserved' THEN reserved_fen
                                       ELSE committed_fen - returned_fen END AS fen
          FROM vouchers_redemption WHERE voucher_id = v.id OFFSET 0
       ) r
 WHERE v.programme_id = %s AND v.holder_id = %s
 GROUP BY 1 HAVING sum(r.fen) > 0
"""
_KEPT_BY_DAY = """
SELECT v.id, v.serial, (r.reserved_at AT TIME ZONE 'Asia/Shanghai')::date, sum(r.fen)
  FROM vouchers_voucher v, LATERAL (
        SELECT reserved_at, committed_fen - returned_fen AS fen
          FROM vouchers_redemption WHERE voucher_id = v.id OFFSET 0
       ) r
 WHERE v.programme_id = %s AND v.holder_id = %s
 GROUP BY 1, 2, 3 HAVING sum(r.fen) > 0
 ORDER BY 3, 1
"""


def _awarded(
    programme: Programme, enterprise: Organization, without: Claim | SubsidyAward | None
) -> list[UsageEntry]:
    """Awards with what was corrected of them; a correction that is not decided counts as asked."""
    awards = SubsidyAward.objects.filter(
        version__programme=programme, beneficiary=enterprise
    ).exclude(state="rejected")
    if isinstance(without, SubsidyAward):
        awards = awards.exclude(pk=without.pk)
    corrected = Sum(
        "corrections__difference_fen",
        filter=~Q(corrections__state__in=["rejected", "superseded"]),
        default=0,
    )
    return [
        UsageEntry(
            on=award.period_start,
            amount_fen=award.amount_fen + award.corrected_fen,
            stage="applied",
        )
        for award in awards.annotate(corrected_fen=corrected).order_by("pk")
    ]


def _granted_at(voucher: Voucher) -> datetime:
    if voucher.application is not None and voucher.application.approved_at:
        return voucher.application.approved_at
    if voucher.window_answer is not None:
        return voucher.window_answer.arrived_at
    return voucher.valid_from


def _admitted(programme: Programme, enterprise: Organization) -> list[UsageEntry]:
    """Admissions to windows of `programme` that may still become, or are becoming, a voucher."""
    ended = WindowAnswer.objects.filter(
        window=OuterRef("window"),
        enterprise=enterprise,
        state__in=["issued", "turned_away", "given_back"],
    )
    admissions = WindowAdmission.objects.filter(
        ~Exists(ended),
        window__programme=programme,
        window__state__in=["open", "drawn"],
        enterprise=enterprise,
    )
    return [
        UsageEntry(on=_day(each.admitted_at), amount_fen=each.amount_fen, stage="applied")
        for each in admissions.order_by("pk")
    ]


def claim_clock() -> datetime:
    """The database's clock: the only one a claim window knows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT vouchers_claim_clock()")
        return cursor.fetchone()[0]


def live_window(window: ClaimWindow) -> dict[str, Any]:
    """What a window holds at one instant, read in one statement; see LiveWindowSerializer."""
    with connection.cursor() as cursor:
        cursor.execute(LIVE, [window.pk])
        columns = [column.name for column in cursor.description]
        return dict(zip(columns, cursor.fetchone(), strict=True))


def lotteries_to_draw() -> list[ClaimWindow]:
    """Open lotteries that are over by the database's clock."""
    due = ClaimWindow.objects.filter(state="open", order="lottery", closes_at__lte=claim_clock())
    return list(due.order_by("pk"))


def windows_to_make_out() -> list[int]:
    """Windows with granted claims whose vouchers are not made out yet."""
    granted = WindowAnswer.objects.filter(state="granted").order_by()
    return list(granted.values_list("window", flat=True).distinct())


LIVE = """
SELECT c.now AS as_of,
       CASE WHEN w.state <> 'open' THEN w.state
            WHEN c.now >= w.closes_at THEN 'over'
            WHEN c.now < w.opens_at THEN 'announced'
            WHEN e.state <> 'open' OR g.state <> 'active' THEN 'suspended'
            ELSE 'running' END AS phase,
       GREATEST(CEIL(EXTRACT(EPOCH FROM w.opens_at - c.now)), 0)::bigint AS opens_in_seconds,
       w.tranche_fen, w.places_taken,
       COALESCE(r.balance_fen, 0) AS remaining_fen,
       CASE WHEN q.waiting > 0 OR w.state <> 'open' THEN 0
            ELSE COALESCE(r.balance_fen, 0) END AS claimable_fen,
       q.waiting
  FROM vouchers_claimwindow w
  JOIN treasury_envelope e ON e.id = w.envelope_id
  JOIN vouchers_programme g ON g.id = w.programme_id
  LEFT JOIN ledger_account r ON r.id = w.remaining_id
 CROSS JOIN (SELECT vouchers_claim_clock() AS now OFFSET 0) AS c
 CROSS JOIN LATERAL (SELECT COUNT(*) AS waiting FROM vouchers_windowanswer a
                      WHERE a.window_id = w.id AND a.state = 'waiting') AS q
 WHERE w.id = %s
"""


def draw_record(window: ClaimWindow) -> dict[str, Any]:
    """What an outsider needs to repeat the draw of `window`: see docs/draw_order.py."""
    entries = window.answers.filter(place__isnull=False).order_by("place")
    return {
        "window": window.pk,
        "seed_commitment": window.seed_commitment,
        "seed": window.seed,
        "entries": [
            {"place": place, "uscc": uscc, "asked_fen": asked, "granted_fen": granted}
            for place, uscc, asked, granted in entries.values_list(
                "place", "enterprise__uscc", "asked_fen", "granted_fen"
            )
        ],
    }


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


def granted_facts(voucher: Voucher, terms: Terms) -> dict[str, Any]:
    """The facts `voucher` was granted on: its application's, or its admission's to a window."""
    if voucher.application is not None:
        return dict(voucher.application.facts)
    assert voucher.window_answer is not None
    admission = WindowAdmission.objects.select_related("basis").get(
        window=voucher.window_answer.window_id, enterprise=voucher.holder_id
    )
    if admission.basis is not None:
        return dict(json.loads(admission.basis.evaluation)["facts"])
    return facts_of(voucher.holder, terms, {})


def evaluate_for(
    version: PolicyVersion,
    enterprise: Organization,
    facts: Mapping[str, Any],
    *,
    at: datetime,
    without: Claim | SubsidyAward | None = None,
) -> Evaluation:
    """The terms' answer for `enterprise` at `at`, with what it already has. Raises TermsRefused."""
    terms = terms_of(version)
    try:
        return evaluate(
            terms,
            facts_of(enterprise, terms, facts),
            at=at,
            used=usage_of(version.programme, enterprise, without=without),
            policy_version=version.label,
        )
    except RuleError as error:
        raise TermsRefused(error) from error
