"""What interrupts an application: a supplement that is asked for, and an appeal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound, StaleState
from identity.policy import require_role
from treasury.moves import move_state
from treasury.screens import screened
from vouchers import policy
from vouchers.actions.review_application import applicant_of
from vouchers.models import Application
from vouchers.queries import evaluate_for
from vouchers.refusals import NotEntitled


def _own(application: Application, actor: Actor, state: str) -> Application:
    require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != application.applicant_id:
        raise NotFound(thing="application")
    return _in(application, state)


def _in(application: Application, state: str) -> Application:
    """The row, locked, or StaleState."""
    found = Application.objects.select_for_update(no_key=True).get(pk=application.pk)
    if found.state != state:
        raise StaleState(thing="application", current=found.state, needed=state)
    return found


@transaction.atomic
def return_application(
    *, application: Application, reason: str, actor: Actor, at: datetime
) -> Application:
    """under_review → returned: the applicant is asked for a supplement, and the clock stands.

    Raises SamePerson, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, application.programme.issuer, *policy.REVIEWERS)
    policy.require_other_side(actor, application.applicant)
    move_state(application, to="returned", reason=reason, clock_stopped_at=at)
    record("application.returned", subject=application, actor=actor, at=at, data={"reason": reason})
    return application


@transaction.atomic
def supplement_application(
    *,
    application: Application,
    note: str,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
) -> Application:
    """returned → under_review, by the applicant; the clock runs again.

    `facts` correct or add to what was said, and the terms are asked again; a supplement explains an
    amount and never raises it. Raises NotEntitled, TermsRefused, Invalid, StaleState, NotPermitted,
    NotFound.
    """
    application = _own(application, actor, Application.State.RETURNED)
    if not note.strip() and not facts:
        raise Invalid("note", "a supplement says or brings something", "补正须有说明或材料")
    stopped = application.clock_stopped_at or at
    changed: dict[str, Any] = {
        "reason": note,
        "clock_stopped_at": None,
        "stopped_seconds": application.stopped_seconds + int((at - stopped).total_seconds()),
    }
    if facts:
        assert application.version is not None
        told = {**application.facts, **facts}
        evaluation = evaluate_for(application.version, application.applicant, told, at=at)
        if evaluation.decision != "granted" or not evaluation.amount_fen:
            raise NotEntitled(evaluation)
        changed |= {
            "facts": dict(evaluation.facts),
            "evaluation": evaluation.as_dict(),
            "evaluation_digest": evaluation.digest,
            "amount_fen": min(evaluation.amount_fen, application.amount_fen or 0),
        }
    move_state(application, to="under_review", **changed)
    record(
        "application.supplemented",
        subject=application,
        actor=actor,
        at=at,
        data={"note": note, "facts": sorted(facts or {}), "amount_fen": application.amount_fen},
    )
    return application


@transaction.atomic
def appeal_application(
    *, application: Application, reason: str, actor: Actor, at: datetime
) -> Application:
    """rejected → appealed, by the applicant, once. Raises StaleState, NotPermitted, NotFound."""
    application = _own(application, actor, Application.State.REJECTED)
    if application.heard_by_id is not None:
        raise StaleState(thing="application", current="heard", needed="rejected")
    move_state(application, to="appealed", reason=reason)
    record("application.appealed", subject=application, actor=actor, at=at, data={"reason": reason})
    return application


@screened("hear", "application", applicant_of)
@transaction.atomic
def hear_application(
    *, application: Application, admitted: bool, reason: str, actor: Actor, at: datetime
) -> Application:
    """Somebody who neither reviewed nor rejected it hears the appeal: back to where it was
    refused, for another person to decide, or rejected for good.

    Raises SamePerson, ConflictOfInterest, ScreenIncomplete, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, application.programme.issuer, *policy.DECIDERS)
    policy.require_other_side(actor, application.applicant)
    application = _in(application, Application.State.APPEALED)
    policy.require_somebody_else(
        actor, application.applied_by_id, application.reviewed_by_id, application.rejected_by_id
    )
    reopened = "recommended" if application.reviewed_by_id else "under_review"
    move_state(
        application,
        to=reopened if admitted else "rejected",
        reason=reason,
        heard_by_id=actor.person_id,
    )
    record(
        "application.appeal_admitted" if admitted else "application.appeal_dismissed",
        subject=application,
        actor=actor,
        at=at,
        data={"reason": reason},
    )
    return application
