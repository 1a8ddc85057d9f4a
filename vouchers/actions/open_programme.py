"""Open a programme from a preset: a draft with its first version of terms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from vouchers import policy
from vouchers.models import PolicyVersion, Preset, Programme
from vouchers.queries import stacking_problems
from vouchers.refusals import TermsIncomplete, TermsRefused
from vouchers.rules import RuleError, Supplied, Terms, TermsError, supply


@transaction.atomic
def open_programme(
    *,
    preset: Preset,
    issuer: Organization,
    code: str,
    name: str,
    effective_from: datetime,
    actor: Actor,
    at: datetime,
    supplied: Sequence[Mapping[str, Any]] = (),
) -> Programme:
    """Draft a programme with the preset's terms and what the officer `supplied` beside them.

    Each supplied item is {"pointer", "value", "source"}: a JSON pointer to what the terms leave
    open, the value, and where it is from; what the source states is not replaced. Raises
    TermsIncomplete while a parameter is still unknown, TermsRefused, Invalid, NotPermitted,
    NotFound.
    """
    policy.require_issuer(actor, issuer, *policy.DRAFTERS)
    if preset.document.get("terms") is None:
        raise Invalid("preset", "this preset pays nothing out", "该预设不涉及资金兑付")
    values = [Supplied(item["pointer"], item["value"], item["source"]) for item in supplied]
    try:
        terms = supply(Terms.load(preset.document["terms"]), values)
    except RuleError as error:
        raise TermsRefused(error) from error
    if cycles := stacking_problems(terms.document):
        raise TermsRefused(TermsError(cycles))
    if terms.missing:
        raise TermsIncomplete(terms.missing)
    try:
        with transaction.atomic():
            programme = Programme.objects.create(code=code, name=name, issuer=issuer, preset=preset)
    except IntegrityError as error:
        raise Invalid("code", "used before", "该代码已使用") from error
    version = PolicyVersion.objects.create(
        programme=programme,
        number=1,
        terms=dict(terms.document),
        terms_digest=terms.digest,
        supplied=list(supplied),
        drafted_by_id=actor.person_id or 0,
        effective_from=effective_from,
    )
    record(
        "programme.drafted",
        subject=programme,
        actor=actor,
        at=at,
        data={"preset": preset.pk, "version": version.label, "terms_digest": terms.digest},
    )
    return programme
