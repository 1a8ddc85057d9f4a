"""An enterprise applies: the terms answer at once, and the answer is kept with the application."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, NotFound
from identity.models import Organization
from identity.policy import require_role
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Application, Programme
from vouchers.queries import evaluate_for, version_in_force
from vouchers.refusals import NotEntitled, ProgrammeNotActive


@transaction.atomic
def apply_for_voucher(
    *,
    programme: Programme,
    applicant: Organization,
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> Application:
    """Submit an application; automatic screening moves it on to review or rejects it.

    Raises ProgrammeNotActive, TermsRefused, NotEntitled (with every unmet clause), NotPermitted,
    NotFound for somebody else's organization.
    """
    require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != applicant.pk:
        raise NotFound(thing="organization")
    if programme.state != Programme.State.ACTIVE:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    version = version_in_force(programme, at=at)
    evaluation = evaluate_for(version, applicant, facts, at=at)
    if evaluation.decision != "granted":
        raise NotEntitled(evaluation)
    application = Application.objects.create(
        programme=programme,
        version=version,
        applicant=applicant,
        facts=dict(evaluation.facts),
        evaluation=evaluation.as_dict(),
        evaluation_digest=evaluation.digest,
        amount_fen=evaluation.amount_fen,
        applied_by_id=actor.person_id or 0,
        submitted_at=at,
    )
    move_state(application, to="submitted")
    move_state(application, to="under_review")
    record(
        "application.submitted",
        subject=application,
        actor=actor,
        at=at,
        data={
            "programme": programme.code,
            "version": version.label,
            "amount_fen": evaluation.amount_fen,
            "evaluation": evaluation.digest,
        },
    )
    return application
