"""An enterprise that paid claims the public part back with its evidence."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound
from identity.models import Organization
from identity.policy import require_role
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.check_evidence import Checked, check_evidence
from vouchers.models import Claim, ClaimEvidence, Programme
from vouchers.queries import evaluate_for, version_in_force
from vouchers.refusals import (
    EvidenceRefused,
    EvidenceUsedBefore,
    NotClaimed,
    NotEntitled,
    ProgrammeNotActive,
)
from vouchers.rules import Terms, schema_of_facts
from vouchers.rules.evidence import fingerprint, review_stages, substantiated_fen
from vouchers.rules.facts import BASES, CATALOGUE
from vouchers.rules.uses import bases_used

OTHER_ROADS = frozenset({"deduct_at_order", "claim_and_use_at_once", "award"})
KIND_ZH = {"contract": "合同", "invoice": "发票", "payment": "付款凭证", "usage": "使用记录"}


@transaction.atomic
def submit_claim(
    *,
    programme: Programme,
    claimant: Organization,
    contract: Mapping[str, Any],
    invoices: Sequence[str],
    payments: Sequence[Mapping[str, Any]],
    usages: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
    basis: str | None = None,
) -> Claim:
    """Check the evidence, compute the amount from it, and hand the claim to its first stage.

    `contract`: number, seller_uscc, signed_on, starts_on, ends_on, amount_fen, document_sha256.
    `invoices`: the XML files of e-invoices. `payments`: number, paid_on, amount_fen,
    document_sha256. `usages`: number, starts_on, ends_on, amount_fen, document_sha256. `facts` may
    state no amount: what the terms compute from is the smallest sum of the four. `basis` names it
    where the terms know several. Raises EvidenceRefused, EvidenceUsedBefore, NotEntitled (every
    clause), NotClaimed, ProgrammeNotActive, TermsRefused, Invalid, NotPermitted, NotFound.
    """
    require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != claimant.pk:
        raise NotFound(thing="organization")
    if programme.state != Programme.State.ACTIVE:
        raise ProgrammeNotActive(programme=programme.code, current=programme.state)
    # Locking the programme's row orders claims, so that a cap counts every earlier one.
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    version = version_in_force(programme, at=at)
    terms = Terms.load(version.terms)
    mode = terms.clause("payment").get("mode")
    if mode in OTHER_ROADS:
        raise NotClaimed(programme=programme.code, mode=mode)
    checked = check_evidence(claimant, contract, invoices, payments, usages, at=at)
    if checked.failed:
        raise EvidenceRefused(checked.failed)
    pieces = _pieces(claimant, contract, invoices, payments, usages, checked)
    supported = substantiated_fen((each.kind, each.amount_fen) for each in pieces)
    named = _basis(terms, basis)
    stated = _stated(facts)
    evaluation = evaluate_for(
        version,
        claimant,
        stated | _proved(terms, named, supported, contract, checked),
        at=at,
    )
    if evaluation.decision != "granted" or not evaluation.amount_fen:
        raise NotEntitled(evaluation)
    claim = Claim.objects.create(
        programme=programme,
        version=version,
        claimant=claimant,
        claimed_by_id=actor.person_id or 0,
        seller_uscc=contract["seller_uscc"],
        basis=named,
        stated=stated,
        checks=checked.as_list(),
        evaluation=evaluation.as_dict(),
        evaluation_digest=evaluation.digest,
        substantiated_fen=supported,
        amount_fen=min(evaluation.amount_fen, supported),
        stages=list(review_stages(terms)),
        submitted_at=at,
    )
    keep_evidence(claim, pieces)
    for state in ("submitted", "auto_verified", "in_review"):
        move_state(claim, to=state)
    record(
        "claim.submitted",
        subject=claim,
        actor=actor,
        at=at,
        data={
            "programme": programme.code,
            "version": version.label,
            "amount_fen": claim.amount_fen,
            "substantiated_fen": supported,
            "evaluation": evaluation.digest,
            "fingerprints": [each.fingerprint for each in pieces],
        },
    )
    return claim


def keep_evidence(claim: Claim, pieces: Sequence[ClaimEvidence]) -> None:
    """Store each piece. Raises EvidenceUsedBefore: the database looks everywhere."""
    for each in pieces:
        each.claim = claim
        try:
            with transaction.atomic():
                each.save()
        except IntegrityError as error:
            raise EvidenceUsedBefore(
                kind=each.kind, kind_zh=KIND_ZH[each.kind], number=each.number, field=each.kind
            ) from error


def _stated(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the claimant says of itself; an amount is refused, for evidence says it."""
    for name in facts:
        known = CATALOGUE.get(name)
        if known is not None and known.unit == "fen" and name != "other_aid_fen":
            raise Invalid(
                f"facts.{name}", "amounts are computed from evidence", "金额由证明材料得出"
            )
    return dict(facts)


def _basis(terms: Terms, basis: str | None) -> str:
    used = [name for name in bases_used(terms.document) if name in BASES]
    if basis is None and len(used) == 1:
        return used[0]
    if basis not in used:
        raise Invalid("basis", f"one of {', '.join(used)}", f"须为：{'、'.join(used)}")
    return str(basis)


def _proved(
    terms: Terms, named: str, supported: int, contract: Mapping[str, Any], checked: Checked
) -> dict[str, Any]:
    """The facts that the evidence and the registers say, over what anybody states."""
    wanted = schema_of_facts(terms.document)["properties"]
    found: dict[str, Any] = {
        "contract_ref": contract["number"],
        "contract_signed_on": contract["signed_on"].isoformat(),
        "contract_starts_on": contract["starts_on"].isoformat(),
        "contract_ends_on": contract["ends_on"].isoformat(),
        "provider_uscc": contract["seller_uscc"],
        # The database keeps one contract from supporting two claims.
        "contract_already_awarded": False,
    }
    seller = Organization.objects.filter(uscc=contract["seller_uscc"]).first()
    if seller is not None:
        found |= {"provider_adcode": seller.adcode, "provider_affiliated": checked.affiliated}
    found |= {name: 0 for name in bases_used(terms.document) if name in BASES}
    for minimum in terms.clause("minimums").get("spend", ()):
        found[minimum["fact"]] = supported
    found[named] = supported
    return {name: value for name, value in found.items() if name in wanted}


def _pieces(
    claimant: Organization,
    contract: Mapping[str, Any],
    invoices: Sequence[str],
    payments: Sequence[Mapping[str, Any]],
    usages: Sequence[Mapping[str, Any]],
    checked: Checked,
) -> list[ClaimEvidence]:
    seller = str(contract["seller_uscc"])

    def piece(kind: str, number: str, on: date, fen: int, digest: str, *words: str, **more: Any):  # type: ignore[no-untyped-def]
        return ClaimEvidence(
            kind=kind,
            number=number,
            dated_on=on,
            amount_fen=fen,
            document_digest=digest,
            fingerprint=fingerprint(kind, *words, number),
            **more,
        )

    pieces = [
        piece(
            "contract",
            contract["number"],
            contract["signed_on"],
            contract["amount_fen"],
            contract["document_sha256"],
            seller,
            claimant.uscc,
            starts_on=contract["starts_on"],
            ends_on=contract["ends_on"],
        )
    ]
    for text, one in zip(invoices, checked.invoices, strict=True):
        digest = hashlib.sha256(text.encode()).hexdigest()
        pieces.append(piece("invoice", one.number, one.issued_on, one.total_fen, digest))
    pieces += [
        piece("payment", one["number"], one["paid_on"], one["amount_fen"], one["document_sha256"])
        for one in payments
    ]
    pieces += [
        piece(
            "usage",
            one["number"],
            one["ends_on"],
            one["amount_fen"],
            one["document_sha256"],
            seller,
            starts_on=one["starts_on"],
            ends_on=one["ends_on"],
        )
        for one in usages
    ]
    return list(pieces)
