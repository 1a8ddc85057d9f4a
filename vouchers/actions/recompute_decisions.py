"""Retroactive terms: every decision since their effective date is decided again, and what would
have come out otherwise is written down for the approvers. Nothing changes by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from identity.models import Organization
from vouchers import policy
from vouchers.models import (
    Application,
    Claim,
    Difference,
    PolicyVersion,
    Recomputation,
    SubsidyAward,
)
from vouchers.queries import SHANGHAI
from vouchers.refusals import RecomputationIsStale
from vouchers.rules import Evaluation, RuleError, Terms, Usage, UsageEntry, digest, evaluate
from vouchers.rules.entitlement import relevant_facts

UNDECIDED = ("draft", "submitted", "half_approved", "twice_approved")
Decided = Application | Claim | SubsidyAward


@dataclass(frozen=True)
class Outcome:
    """One decision of the past and what the new terms say to the same facts on the same day.

    `after_fen` is None when the facts kept do not decide it."""

    subject: Decided
    beneficiary: Organization
    before_fen: int
    after_fen: int | None
    evaluation: Evaluation | None


@transaction.atomic
def recompute_decisions(*, version: PolicyVersion, actor: Actor, at: datetime) -> Recomputation:
    """Decide again, under `version`, what its programme decided since `version.effective_from`.

    Raises Invalid for terms that do not reach back, StaleState for decided ones, NotPermitted,
    NotFound.
    """
    policy.require_issuer(actor, version.programme.issuer, *policy.DRAFTERS, *policy.APPROVERS)
    if not version.retroactive:
        raise Invalid("policy_version", "not retroactive", "该版本不追溯适用")
    if version.state not in UNDECIDED:
        raise StaleState(thing="policy version", current=version.state, needed="draft")
    outcomes = list(outcomes_under(version))
    changed = [(each, fen) for each in outcomes if (fen := _changed(each)) is not None]
    gains = [fen - each.before_fen for each, fen in changed]
    found = Recomputation.objects.create(
        version=version,
        digest=_digest(outcomes),
        examined=len(outcomes),
        undecidable=sum(each.after_fen is None for each in outcomes),
        more_fen=sum(gain for gain in gains if gain > 0),
        less_fen=sum(-gain for gain in gains if gain < 0),
        computed_by_id=actor.person_id or 0,
        computed_at=at,
    )
    Difference.objects.bulk_create(
        Difference(
            recomputation=found,
            beneficiary=each.beneficiary,
            **{_word(each.subject): each.subject},
            before_fen=each.before_fen,
            after_fen=fen,
            evaluation=each.evaluation.as_dict() if each.evaluation else None,
        )
        for each, fen in changed
    )
    record(
        "policy_version.recomputed",
        subject=version,
        actor=actor,
        at=at,
        data={
            "recomputation": found.pk,
            "digest": found.digest,
            "more_fen": found.more_fen,
            "less_fen": found.less_fen,
        },
    )
    return found


def require_fresh_recomputation(version: PolicyVersion) -> None:
    """Raise RecomputationIsStale unless the newest recomputation is what would change now."""
    newest = version.recomputations.order_by("-pk").first()
    if newest is None or newest.digest != _digest(list(outcomes_under(version))):
        raise RecomputationIsStale(version=version.label)


def outcomes_under(version: PolicyVersion) -> Iterator[Outcome]:
    """Each decision since the effective date, in time, enterprise by enterprise with what it would
    have had by then: an earlier decision that comes out otherwise leaves another room to a later.
    """
    terms = Terms.load(version.terms)
    moved: dict[int, list[tuple[date, int]]] = {}
    for subject, beneficiary, before_fen in _decided(version):
        kept = subject.evaluation or {}
        past = moved.setdefault(beneficiary.pk, [])
        try:
            answer: Evaluation | None = evaluate(
                terms,
                relevant_facts(terms, kept["facts"]),
                at=datetime.fromisoformat(kept["at"]),
                used=_had_by_then(Usage.from_dicts(kept["used"]), past),
                policy_version=version.label,
            )
        except RuleError:
            answer = None
        after_fen = _amount(subject, before_fen, answer)
        if after_fen is not None and after_fen != before_fen:
            on = datetime.fromisoformat(kept["at"]).astimezone(SHANGHAI).date()
            past.append((on, after_fen - before_fen))
        yield Outcome(subject, beneficiary, before_fen, after_fen, answer)


def _decided(version: PolicyVersion) -> list[tuple[Decided, Organization, int]]:
    """What other versions of the programme decided since the effective date and still stands."""
    applications = (
        Application.objects.filter(programme=version.programme, state__in=["approved", "issued"])
        .exclude(evaluation=None)
        .select_related("applicant")
    )
    claims = (
        Claim.objects.filter(programme=version.programme)
        .exclude(state__in=["draft", "rejected", "withdrawn"])
        .select_related("claimant")
    )
    awards = (
        SubsidyAward.objects.filter(version__programme=version.programme)
        .exclude(state="rejected")
        .select_related("beneficiary")
    )
    rows: list[tuple[Decided, Organization, int]] = [
        *((each, each.applicant, each.amount_fen or 0) for each in applications),
        *((each, each.claimant, each.amount_fen) for each in claims),
        *((each, each.beneficiary, each.amount_fen) for each in awards),
    ]
    since = [
        row
        for row in rows
        if datetime.fromisoformat((row[0].evaluation or {})["at"]) >= version.effective_from
    ]
    return sorted(
        since,
        key=lambda row: ((row[0].evaluation or {})["at"], _word(row[0]), row[0].pk),
    )


def _amount(subject: Decided, before_fen: int, answer: Evaluation | None) -> int | None:
    """What would have been decided; what people lowered below the terms' answer stays lowered."""
    if answer is None or answer.decision == "incomplete":
        return None
    fen = (answer.amount_fen or 0) if answer.decision == "granted" else 0
    told = (subject.evaluation or {})["amount_fen"] or 0
    if isinstance(subject, Claim):
        fen, told = min(fen, subject.substantiated_fen), min(told, subject.substantiated_fen)
    return min(fen, before_fen) if before_fen < told else fen


def _had_by_then(used: Usage, moved: list[tuple[date, int]]) -> Usage:
    """`used` with each earlier difference: more is one entry more; less is taken from the entries
    of its day first, then from others."""
    entries = list(used.entries)
    for on, change in moved:
        if change > 0:
            entries.append(UsageEntry(on=on, amount_fen=change))
            continue
        left = -change
        for index in sorted(range(len(entries)), key=lambda row: entries[row].on != on):
            taken = min(left, entries[index].amount_fen)
            left -= taken
            entries[index] = UsageEntry(
                **{**vars(entries[index]), "amount_fen": entries[index].amount_fen - taken}
            )
    return Usage(tuple(each for each in entries if each.amount_fen))


def _changed(outcome: Outcome) -> int | None:
    """The new amount, where it is another."""
    return None if outcome.after_fen == outcome.before_fen else outcome.after_fen


def _digest(outcomes: list[Outcome]) -> str:
    rows: list[Any] = [
        [_word(each.subject), each.subject.pk, each.before_fen, each.after_fen] for each in outcomes
    ]
    return digest(rows)


def _word(subject: Decided) -> str:
    return {Application: "application", Claim: "claim", SubsidyAward: "award"}[type(subject)]
