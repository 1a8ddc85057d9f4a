"""What is an enterprise entitled to across all programmes, and which of them go together best?"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor, Invalid
from identity.models import Organization
from vouchers.models import CombinedAnswer, PolicyVersion, Programme
from vouchers.queries import usage_of, version_in_force
from vouchers.refusals import ProgrammeNotActive, TermsRefused
from vouchers.rules import RuleError, Terms, Usage, best_of, canonical_json
from vouchers.rules.facts import CATALOGUE


@transaction.atomic
def ask_every_programme(
    *, enterprise: Organization, facts: Mapping[str, Any], actor: Actor, at: datetime
) -> CombinedAnswer:
    """Ask every active programme with terms in force; keep inputs and answer.

    Where two programmes run by the same policy, the one first by its code is asked; the other is
    listed as passed over. Raises TermsRefused (every wrong fact), Invalid for a stacking cycle.
    """
    asked: dict[str, PolicyVersion] = {}
    passed_over: list[str] = []
    for programme in Programme.objects.filter(state="active").order_by("code"):
        try:
            version = version_in_force(programme, at=at)
        except ProgrammeNotActive:
            continue
        name = Terms.load(version.terms).id
        if name in asked:
            passed_over.append(programme.code)
        else:
            asked[name] = version
    registered = {"uscc": enterprise.uscc, "registered_adcode": enterprise.adcode}
    registered |= {name: value for name, value in enterprise.facts.items() if name in CATALOGUE}
    inputs = {
        "asked_at": at.isoformat(),
        "facts": {**facts, **registered},
        "passed_over": passed_over,
        "programmes": {
            name: {
                "version_id": version.pk,
                "version": version.label,
                "terms_digest": version.terms_digest,
                "used": [
                    entry.as_dict() for entry in usage_of(version.programme, enterprise).entries
                ],
            }
            for name, version in asked.items()
        },
    }
    written = canonical_json(inputs)
    answer = answer_of(json.loads(written), {name: v.terms for name, v in asked.items()})
    text = canonical_json(answer)
    stored = CombinedAnswer.objects.create(
        enterprise=enterprise,
        asked_by_id=actor.person_id,
        asked_at=at,
        inputs=written,
        answer=text,
        digest=sha256_hex(text),
        best_fen=answer["best"]["total_fen"],
    )
    record(
        "combined_answer.given", subject=stored, actor=actor, at=at, data={"digest": stored.digest}
    )
    return stored


def answer_of(inputs: Mapping[str, Any], terms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The answer that follows from stored `inputs` and nothing else but the terms they name.

    Raises TermsRefused, Invalid.
    """
    try:
        found = best_of(
            {name: Terms.load(document) for name, document in terms.items()},
            inputs["facts"],
            at=datetime.fromisoformat(inputs["asked_at"]),
            used={
                name: Usage.from_dicts(one["used"]) for name, one in inputs["programmes"].items()
            },
        )
    except RuleError as error:
        raise TermsRefused(error) from error
    except ValueError as error:
        raise Invalid("programmes", str(error), "叠加次序存在循环") from error
    return found.as_dict()


def replayed(answer: CombinedAnswer) -> str:
    """The stored question asked again: equal to `answer.answer` byte for byte."""
    inputs = json.loads(answer.inputs)
    ids = {one["version_id"]: name for name, one in inputs["programmes"].items()}
    versions = PolicyVersion.objects.filter(pk__in=ids)
    return canonical_json(answer_of(inputs, {ids[each.pk]: each.terms for each in versions}))
