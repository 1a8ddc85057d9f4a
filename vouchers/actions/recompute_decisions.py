"""Retroactive terms: every decision since their effective date is decided again, and what would
have come out otherwise is written down for the approvers. Nothing changes by itself."""

import json
from collections.abc import Iterator, Mapping
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
    WindowAdmission,
    WindowAnswer,
)
from vouchers.queries import SHANGHAI
from vouchers.refusals import RecomputationIsStale
from vouchers.rules import Evaluation, RuleError, Terms, Usage, UsageEntry, digest, evaluate
from vouchers.rules.entitlement import relevant_facts

UNDECIDED = ("draft", "submitted", "half_approved", "twice_approved")
Decided = Application | Claim | SubsidyAward | WindowAnswer


@dataclass(frozen=True)
class Past:
    """One decision of the past. `kept` is its evaluation, None where no terms were asked;
    `ceiling_fen` is what bounded it beside the terms (evidence, a window's face value)."""

    subject: Decided
    beneficiary: Organization
    before_fen: int
    at: datetime
    kept: Mapping[str, Any] | None
    ceiling_fen: int | None = None


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
    for each in _decided(version):
        past = moved.setdefault(each.beneficiary.pk, [])
        answer = _asked_again(each, terms, past, version.label)
        after_fen = _amount(each, answer)
        if after_fen is not None and after_fen != each.before_fen:
            past.append((each.at.astimezone(SHANGHAI).date(), after_fen - each.before_fen))
        yield Outcome(each.subject, each.beneficiary, each.before_fen, after_fen, answer)


def _asked_again(
    past: Past, terms: Terms, moved: list[tuple[date, int]], label: str
) -> Evaluation | None:
    """What `terms` say to the facts kept; None where none are, or they are not enough."""
    if past.kept is None:
        return None
    try:
        return evaluate(
            terms,
            relevant_facts(terms, past.kept["facts"]),
            at=past.at,
            used=_had_by_then(Usage.from_dicts(past.kept["used"]), moved),
            policy_version=label,
        )
    except RuleError:
        return None


def _decided(version: PolicyVersion) -> list[Past]:
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
    rows = [
        *(_past(each, each.applicant, each.amount_fen or 0) for each in applications),
        *(_past(each, each.claimant, each.amount_fen, each.substantiated_fen) for each in claims),
        *(_past(each, each.beneficiary, each.amount_fen) for each in awards),
        *_granted_in_windows(version),
    ]
    since = [each for each in rows if each.at >= version.effective_from]
    return sorted(since, key=lambda each: (each.at, _word(each.subject), each.subject.pk))


def _past(
    subject: Application | Claim | SubsidyAward,
    beneficiary: Organization,
    before_fen: int,
    ceiling_fen: int | None = None,
) -> Past:
    kept = subject.evaluation or {}
    at = datetime.fromisoformat(kept["at"])
    return Past(subject, beneficiary, before_fen, at, kept, ceiling_fen)


def _granted_in_windows(version: PolicyVersion) -> Iterator[Past]:
    """Grants of claim windows that were not given back. A window open to a whole region asked no
    terms, so its grants keep no facts."""
    bases = {
        (window, enterprise): json.loads(evaluation)
        for window, enterprise, evaluation in WindowAdmission.objects.filter(
            window__programme=version.programme, basis__isnull=False
        ).values_list("window_id", "enterprise_id", "basis__evaluation")
    }
    answers = WindowAnswer.objects.filter(
        window__programme=version.programme, state__in=["granted", "issued"]
    ).select_related("enterprise", "window")
    for each in answers:
        kept = bases.get((each.window_id, each.enterprise_id))
        at = datetime.fromisoformat(kept["at"]) if kept else each.arrived_at
        yield Past(each, each.enterprise, each.granted_fen or 0, at, kept, each.window.face_fen)


def _amount(past: Past, answer: Evaluation | None) -> int | None:
    """What would have been decided; what was lowered below the terms' answer (by people, by the
    claimant's own asking, by what was left in a window) stays lowered."""
    if answer is None or answer.decision == "incomplete":
        return None
    fen = (answer.amount_fen or 0) if answer.decision == "granted" else 0
    told = (past.kept or {})["amount_fen"] or 0
    if past.ceiling_fen is not None:
        fen, told = min(fen, past.ceiling_fen), min(told, past.ceiling_fen)
    return min(fen, past.before_fen) if past.before_fen < told else fen


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
    return {
        Application: "application",
        Claim: "claim",
        SubsidyAward: "award",
        WindowAnswer: "window_answer",
    }[type(subject)]
