"""Admit an enterprise to a claim window before the rush, and say how much it may ask."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from identity.models import Organization
from vouchers import policy
from vouchers.models import ClaimWindow, EntitlementAnswer, WindowAdmission
from vouchers.queries import evaluate_for
from vouchers.refusals import NotAdmitted, NotEntitled


@transaction.atomic
def admit_enterprise(
    *,
    window: ClaimWindow,
    enterprise: Organization,
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> WindowAdmission:
    """Admit `enterprise`, once; asking again returns the first admission.

    By terms, the amount is what they grant, at most the face value; the whole evaluation is kept.
    Raises NotAdmitted outside the region, NotEntitled with every unmet clause, TermsRefused,
    StaleState unless the window is open, NotPermitted.
    """
    policy.require_role(actor, *policy.APPLICANTS)
    if enterprise.pk != actor.organization_id or enterprise.kind != Organization.Kind.ENTERPRISE:
        raise NotAdmitted()
    existing = WindowAdmission.objects.filter(window=window, enterprise=enterprise).first()
    if existing is not None:
        return existing
    if window.state != ClaimWindow.State.OPEN:
        raise StaleState(thing="claim window", current=window.state, needed="open")
    if not enterprise.adcode.startswith(window.region_prefix):
        raise NotAdmitted()
    basis, amount_fen = None, window.face_fen or 0
    if window.admission == ClaimWindow.Admission.TERMS:
        basis, amount_fen = _by_terms(window, enterprise, facts, actor, at)
    admission, created = WindowAdmission.objects.get_or_create(
        window=window,
        enterprise=enterprise,
        defaults={
            "amount_fen": amount_fen,
            "basis": basis,
            "person_id": actor.person_id,
            "admitted_at": at,
        },
    )
    if created:
        record(
            "claim_window.enterprise_admitted",
            subject=window,
            actor=actor,
            at=at,
            data={"enterprise_id": enterprise.pk, "amount_fen": amount_fen},
        )
    return admission


def _by_terms(
    window: ClaimWindow,
    enterprise: Organization,
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> tuple[EntitlementAnswer, int]:
    evaluation = evaluate_for(window.version, enterprise, facts, at=max(at, window.opens_at))
    if evaluation.decision != "granted" or not evaluation.amount_fen:
        raise NotEntitled(evaluation)
    basis = EntitlementAnswer.objects.create(
        enterprise=enterprise,
        version=window.version,
        asked_at=at,
        evaluation=evaluation.canonical_json(),
        digest=evaluation.digest,
        person_id=actor.person_id,
    )
    return basis, min(evaluation.amount_fen, window.face_fen or evaluation.amount_fen)
