"""Try terms before they are approved: worked examples, and a run over many claims."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from treasury.models import Envelope
from vouchers import policy
from vouchers.models import Application, Claim, PolicyVersion, RuleTestCase, SimulationRun
from vouchers.queries import SHANGHAI
from vouchers.refusals import TermsRefused
from vouchers.rules import RuleError, Terms, evaluate
from vouchers.rules.data_set import DataSet, of_rows, read_csv, read_parquet
from vouchers.rules.simulation_report import simulation_report

UNDECIDED = ("draft", "submitted", "half_approved")


@transaction.atomic
def write_test_case(
    *,
    version: PolicyVersion,
    name: str,
    facts: Mapping[str, Any],
    asked_at: datetime,
    expected_fen: int,
    actor: Actor,
    at: datetime,
) -> RuleTestCase:
    """Keep a worked example and what the terms really give (0 when refused).

    Raises TermsRefused, Invalid for a name used before, StaleState, NotPermitted, NotFound.
    """
    _require_undecided(version, actor)
    try:
        answer = evaluate(
            Terms.load(version.terms), facts, at=asked_at, policy_version=version.label
        )
    except RuleError as error:
        raise TermsRefused(error) from error
    granted = answer.decision == "granted"
    try:
        with transaction.atomic():
            case = RuleTestCase.objects.create(
                version=version,
                name=name,
                facts=dict(facts),
                asked_at=asked_at,
                expected_fen=expected_fen,
                evaluation=answer.as_dict(),
                computed_fen=(answer.amount_fen or 0) if granted else 0,
                written_by_id=actor.person_id or 0,
            )
    except IntegrityError as error:
        raise Invalid("name", "used before", "该名称已使用") from error
    record("rule_test_case.written", subject=case, actor=actor, at=at, data={"passes": case.passes})
    return case


@transaction.atomic
def simulate_version(
    *,
    version: PolicyVersion,
    data_set: str,
    actor: Actor,
    at: datetime,
    csv_text: str | None = None,
    parquet: bytes | None = None,
    period: tuple[date, date] | None = None,
    progress: Callable[[int], None] = lambda _percent: None,
) -> SimulationRun:
    """Run `version` over the claims of a CSV or Parquet file, or over what was recorded in `period`
    (first day, day after the last), against the terms in force; the report is kept.
    `progress` is told a percentage as it goes.

    Raises TermsRefused for data or terms that cannot be simulated exactly, Invalid, StaleState,
    NotPermitted, NotFound.
    """
    _require_undecided(version, actor)
    if not data_set.strip():
        raise Invalid("data_set", "name the data", "须命名数据集")
    if sum(given is not None for given in (csv_text, parquet, period)) != 1:
        raise Invalid("period", "a file or a period, one of them", "须在文件与期间中择一")
    current = version.programme.versions.filter(state="approved").order_by("-number").first()
    envelope = version.programme.envelope
    budget = _appropriated(envelope) if envelope else None
    try:
        if csv_text is not None:
            data = read_csv(csv_text)
        else:
            data = read_parquet(parquet) if parquet is not None else _recorded(version, period)
        report = simulation_report(
            Terms.load(version.terms),
            data.columns,
            on=data.on,
            enterprise=data.enterprise,
            current=Terms.load(current.terms) if current else None,
            budget_fen=budget,
            progress=progress,
        )
    except RuleError as error:
        raise TermsRefused(error) from error
    run = SimulationRun.objects.create(
        version=version,
        compared_to=current,
        data_set=data_set,
        source="recorded" if period else "uploaded",
        data_digest=data.digest,
        claims=report["claims"],
        cost_fen=report["cost_fen"],
        report=report,
        run_by_id=actor.person_id or 0,
        run_at=at,
    )
    record(
        "policy_version.simulated",
        subject=version,
        actor=actor,
        at=at,
        data={"run": run.pk, "data": data.digest, "cost_fen": run.cost_fen},
    )
    return run


def _require_undecided(version: PolicyVersion, actor: Actor) -> None:
    policy.require_issuer(actor, version.programme.issuer, *policy.DRAFTERS, *policy.APPROVERS)
    if version.state not in UNDECIDED:
        raise StaleState(thing="policy version", current=version.state, needed="draft")


def _recorded(version: PolicyVersion, period: tuple[date, date] | None) -> DataSet:
    """The facts every application and claim of `period` to the programme was evaluated on."""
    assert period is not None
    window = {
        "programme": version.programme,
        "submitted_at__date__gte": period[0],
        "submitted_at__date__lt": period[1],
    }
    rows: list[dict[str, Any]] = []
    for asked, who in (
        *((one, one.applicant) for one in _of(Application, window).select_related("applicant")),
        *((one, one.claimant) for one in _of(Claim, window).select_related("claimant")),
    ):
        on = asked.submitted_at.astimezone(SHANGHAI).date()
        rows.append({**asked.evaluation["facts"], "enterprise": who.uscc, "on": on})
    return of_rows(rows)


def _of(model: Any, window: dict[str, Any]) -> Any:
    return model.objects.filter(**window).exclude(evaluation=None).order_by("pk")


def _appropriated(envelope: Envelope) -> int:
    approved = envelope.appropriations.filter(state="approved")
    return sum(approved.values_list("amount_fen", flat=True))
