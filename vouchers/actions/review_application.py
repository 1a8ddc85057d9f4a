"""One officer recommends, another approves; approval promises the money."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, NotFound
from identity.models import Organization
from treasury.actions.commit_value import commit_value
from treasury.moves import move_state
from treasury.screens import screened
from vouchers import policy
from vouchers.models import Application, Programme
from vouchers.queries import evaluate_for
from vouchers.refusals import NotEntitled, ProgrammeNotActive


def applicant_of(application: Application) -> tuple[Organization, list[Organization]]:
    """The issuer who keeps the screens, and who they screen against."""
    return application.programme.issuer, [application.applicant]


@screened("recommend", "application", applicant_of)
@transaction.atomic
def recommend_application(*, application: Application, actor: Actor, at: datetime) -> Application:
    """under_review → recommended.

    Raises SamePerson, ConflictOfInterest, ScreenIncomplete, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, application.programme.issuer, *policy.REVIEWERS)
    policy.require_other_side(actor, application.applicant)
    policy.require_somebody_else(
        actor, application.applied_by_id, application.rejected_by_id, application.heard_by_id
    )
    move_state(application, to="recommended", reviewed_by_id=actor.person_id)
    record("application.recommended", subject=application, actor=actor, at=at)
    return application


@screened("approve", "application", applicant_of)
@transaction.atomic
def approve_application(*, application: Application, actor: Actor, at: datetime) -> Application:
    """recommended → approved; the amount leaves the envelope's available money for committed.

    The terms are asked again with what the enterprise has by now, and the smaller amount holds.
    Raises NotEntitled, EnvelopeExhausted, EnvelopeNotOpen, SamePerson, ConflictOfInterest,
    ScreenIncomplete, StaleState, NotPermitted.
    """
    programme, version = application.programme, application.version
    policy.require_issuer(actor, programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, application.applicant)
    policy.require_somebody_else(
        actor,
        application.applied_by_id,
        application.reviewed_by_id,
        application.rejected_by_id,
        application.heard_by_id,
    )
    if programme.state != Programme.State.ACTIVE or programme.envelope is None or version is None:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    # Locking the programme's row orders approvals, so that a cap counts every earlier one.
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    evaluation = evaluate_for(version, application.applicant, application.facts, at=at)
    if evaluation.decision != "granted" or not evaluation.amount_fen:
        raise NotEntitled(evaluation)
    amount_fen = min(evaluation.amount_fen, application.amount_fen or 0)
    move_state(
        application,
        to="approved",
        approved_by_id=actor.person_id,
        approved_at=at,
        amount_fen=amount_fen,
    )
    commit_value(
        envelope=programme.envelope,
        amount_fen=amount_fen,
        reference=f"application:{application.pk}:commit",
        policy_version=version.label,
        actor=actor,
        at=at,
    )
    record(
        "application.approved",
        subject=application,
        actor=actor,
        at=at,
        data={"amount_fen": amount_fen, "version": version.label},
    )
    return application


@transaction.atomic
def reject_application(
    *, application: Application, reason: str, actor: Actor, at: datetime
) -> Application:
    """Reject with a reason; the applicant may appeal once.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, application.programme.issuer, *policy.REVIEWERS, *policy.DECIDERS)
    policy.require_other_side(actor, application.applicant)
    policy.require_somebody_else(actor, application.heard_by_id)
    move_state(application, to="rejected", reason=reason, rejected_by_id=actor.person_id)
    record(
        "application.rejected",
        subject=application,
        actor=actor,
        at=at,
        data={"reason": reason},
    )
    return application


@transaction.atomic
def withdraw_application(*, application: Application, actor: Actor, at: datetime) -> Application:
    """The applicant takes its application back before it is approved.

    Raises StaleState, NotPermitted, NotFound.
    """
    policy.require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != application.applicant_id:
        raise NotFound(thing="application")
    move_state(application, to="withdrawn", clock_stopped_at=None)
    record("application.withdrawn", subject=application, actor=actor, at=at)
    return application
