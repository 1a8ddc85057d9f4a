"""Screen who is about to decide about an organization's money, and keep the answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction

from audit.actions.record import record
from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Actor, NotFound
from identity.models import ConflictScreen, Membership, Organization, PersonFacts
from identity.refusals import ConflictOfInterest, ScreenIncomplete
from identity.screening import OrganizationSide, PersonSide, Screening, digests, screen

STRICT = "conflict_screen"  # in an issuer's registered facts: "strict" asks for clean screens


@transaction.atomic
def screen_conflicts(
    *,
    organization: Organization,
    act: str,
    subject: models.Model,
    actor: Actor,
    at: datetime,
    account_numbers: Sequence[str] | None = None,
) -> ConflictScreen:
    """Compare the actor with `organization` before `act` on `subject`; store result and inputs.

    `account_numbers` are the organization's bank accounts (None: not known). The organization's
    telephones and addresses are read from its registered facts `phones` and `addresses`. Refuses
    nothing by itself: ask `refuse_conflict`. Raises NotFound for the system.
    """
    if actor.person_id is None:
        raise NotFound(thing="person")
    found = _compare(actor, organization, account_numbers, at)
    inputs = found.inputs
    stored = ConflictScreen.objects.create(
        person_id=actor.person_id,
        organization=organization,
        act=act,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        result=found.result,
        findings=found.findings,
        inputs=inputs,
        inputs_hash=sha256_hex(canonical_json(inputs)),
        screened_at=at,
    )
    record(
        "conflict.screened",
        subject=subject,
        actor=actor,
        at=at,
        data={
            "screen_id": stored.pk,
            "organization_id": organization.pk,
            "act": act,
            "result": found.result,
            "findings": found.findings,
            "inputs_hash": stored.inputs_hash,
        },
    )
    return stored


def refuse_conflict(stored: ConflictScreen, *, strict: bool) -> None:
    """Raise ConflictOfInterest; with `strict`, ScreenIncomplete too: unknown is not clean."""
    by = {
        result: ", ".join(sorted(k for k, said in stored.findings.items() if said == result))
        for result in ("match", "unknown")
    }
    if stored.result == ConflictScreen.Result.CONFLICT:
        raise ConflictOfInterest(organization=stored.organization.name, criteria=by["match"])
    if strict and stored.result == ConflictScreen.Result.UNKNOWN:
        raise ScreenIncomplete(organization=stored.organization.name, criteria=by["unknown"])


def is_strict(issuer: Organization) -> bool:
    """Whether `issuer` asks for clean screens."""
    return bool(issuer.facts.get(STRICT) == "strict")


def _compare(
    actor: Actor, organization: Organization, accounts: Sequence[str] | None, at: datetime
) -> Screening:
    facts = (
        PersonFacts.objects.filter(user_id=actor.person_id or 0, declared_at__lte=at)
        .order_by("-declared_at", "-pk")
        .first()
    )
    memberships = Membership.objects.filter(user_id=actor.person_id or 0)
    person = PersonSide(
        organization_ids=tuple(sorted(memberships.values_list("organization_id", flat=True))),
        employers=_known(facts, "employer_usccs"),
        shareholdings=_known(facts, "shareholding_usccs"),
        phones=digests(_known(facts, "phones")),
        addresses=digests(_known(facts, "addresses")),
        accounts=digests(_known(facts, "bank_account_numbers")),
    )
    return screen(
        person,
        OrganizationSide(
            organization_id=organization.pk,
            uscc=organization.uscc,
            phones=digests(_listed(organization.facts.get("phones"))),
            addresses=digests(_listed(organization.facts.get("addresses"))),
            accounts=digests(accounts),
        ),
    )


def _known(facts: PersonFacts | None, field: str) -> tuple[str, ...] | None:
    return _listed(getattr(facts, field)) if facts is not None else None


def _listed(said: Any) -> tuple[str, ...] | None:
    if not isinstance(said, list):
        return None
    return tuple(sorted(str(each) for each in said))
