"""Write the next terms of a programme; they change nothing until others approve them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from vouchers import policy
from vouchers.models import PolicyVersion, Programme
from vouchers.queries import stacking_problems
from vouchers.refusals import TermsIncomplete, TermsRefused
from vouchers.rules import RuleError, Terms, TermsError


@transaction.atomic
def draft_policy_version(
    *,
    programme: Programme,
    terms: Mapping[str, Any],
    effective_from: datetime,
    actor: Actor,
    at: datetime,
    retroactive: bool = False,
) -> PolicyVersion:
    """Draft version n + 1 with `terms`, to take effect at `effective_from` once approved.

    Terms for a past day are drafted as `retroactive`: three approve them, on what they change.

    Raises TermsRefused with a pointer to each wrong field, TermsIncomplete while a parameter is
    unknown, Invalid for a day before `at` that is not said to be retroactive, StaleState for a
    programme that has ended, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, programme.issuer, *policy.DRAFTERS)
    programme = Programme.objects.select_for_update().get(pk=programme.pk)
    if programme.state in (Programme.State.CLOSED, Programme.State.CANCELLED):
        raise StaleState(thing="programme", current=programme.state, needed="draft / active")
    if effective_from < at and not retroactive:
        raise Invalid(
            "effective_from",
            "before the approval: say that the terms are retroactive, and three approve them",
            "早于审批：须注明追溯适用，并由三人审批",
        )
    try:
        loaded = Terms.load(terms)
    except RuleError as error:
        raise TermsRefused(error) from error
    if cycles := stacking_problems(loaded.document):
        raise TermsRefused(TermsError(cycles))
    if loaded.missing:
        raise TermsIncomplete(loaded.missing)
    newest = programme.versions.aggregate(number=Max("number"))["number"] or 0
    version = PolicyVersion.objects.create(
        programme=programme,
        number=newest + 1,
        terms=dict(loaded.document),
        terms_digest=loaded.digest,
        drafted_by_id=actor.person_id or 0,
        effective_from=effective_from,
        retroactive=retroactive and effective_from < at,
    )
    record(
        "policy_version.drafted",
        subject=version,
        actor=actor,
        at=at,
        data={"version": version.label, "terms_digest": loaded.digest},
    )
    return version
