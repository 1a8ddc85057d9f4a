"""Am I entitled, to how much, and if not why: asked before applying, answered for the record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import Organization
from vouchers.models import EntitlementAnswer, Programme
from vouchers.queries import facts_of, usage_of, version_in_force
from vouchers.refusals import TermsRefused
from vouchers.rules import RuleError, Terms, entitlement


@transaction.atomic
def ask_entitlement(
    *,
    programme: Programme,
    enterprise: Organization,
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> EntitlementAnswer:
    """Evaluate the terms in force for `enterprise` and keep the whole answer.

    The stored evaluation holds its inputs, so the same question can be replayed byte for byte.
    Raises ProgrammeNotActive, TermsRefused (every wrong fact at once).
    """
    version = version_in_force(programme, at=at)
    terms = Terms.load(version.terms)
    try:
        answer = entitlement(
            terms,
            facts_of(enterprise, terms, facts),
            at=at,
            used=usage_of(programme, enterprise),
            policy_version=version.label,
        )
    except RuleError as error:
        raise TermsRefused(error) from error
    stored = EntitlementAnswer.objects.create(
        enterprise=enterprise,
        version=version,
        asked_at=at,
        evaluation=answer.evaluation.canonical_json(),
        digest=answer.evaluation.digest,
        would_change=[change.as_dict() for change in answer.would_change],
        person_id=actor.person_id,
    )
    record(
        "entitlement.answered",
        subject=stored,
        actor=actor,
        at=at,
        data={"version": version.label, "digest": stored.digest},
    )
    return stored
