"""A claim's evidence, made out for tests: an e-invoice file, a contract, a receipt, a record."""

import hashlib
from datetime import date
from itertools import count
from typing import Any

from audit.decisions import Actor
from identity.models import Organization
from tests.factories import NOW, make_actor, make_organization
from tests.vouchers.office import Office, make_programme, organization_of
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from vouchers.actions.review_claim import pass_claim
from vouchers.actions.submit_claim import submit_claim
from vouchers.models import Claim, Programme

_numbers = count(1)
CLAIMED = document(
    rate_line("0.2"),
    caps=[year_cap(100 * WAN)],
    payment={"mode": "pay_then_claim", "payee": "demand"},
    review={"stages": ["county", "municipal", "finance"], "public_notice_days": 5},
    stacking={"same_contract_once": True},
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def e_invoice(
    buyer: str,
    seller: str,
    *,
    yuan: str = "100000.00",
    number: str | None = None,
    issued: str = "2026-02-10",
) -> str:
    number = number or f"2613{next(_numbers):016d}"
    return (
        "<EInvoice><Header><EIid>1</EIid></Header><EInvoiceData>"
        f"<SellerInformation><SellerIdNum>{seller}</SellerIdNum></SellerInformation>"
        f"<BuyerInformation><BuyerIdNum>{buyer}</BuyerIdNum></BuyerInformation>"
        "<BasicInformation><TotalTax-includedAmount>"
        f"{yuan}</TotalTax-includedAmount></BasicInformation></EInvoiceData>"
        f"<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber>"
        f"<IssueTime>{issued}</IssueTime></TaxSupervisionInfo></EInvoice>"
    )


def evidence(claimant: Organization, seller: Organization, **changed: Any) -> dict[str, Any]:
    """10 wan of everything unless told."""
    mark = next(_numbers)
    found: dict[str, Any] = {
        "contract": {
            "number": f"HT-{mark}",
            "seller_uscc": seller.uscc,
            "signed_on": date(2026, 1, 5),
            "starts_on": date(2026, 1, 6),
            "ends_on": date(2026, 12, 31),
            "amount_fen": 10 * WAN,
            "document_sha256": sha(f"contract {mark}"),
        },
        "invoices": [e_invoice(claimant.uscc, seller.uscc)],
        "payments": [
            {
                "number": f"BANK{mark}",
                "paid_on": date(2026, 2, 12),
                "amount_fen": 10 * WAN,
                "document_sha256": sha(f"payment {mark}"),
            }
        ],
        "usages": [
            {
                "number": f"U{mark}",
                "starts_on": date(2026, 1, 6),
                "ends_on": date(2026, 2, 5),
                "amount_fen": 10 * WAN,
                "document_sha256": sha(f"usage {mark}"),
            }
        ],
        "facts": {},
    }
    return found | changed


class Case:
    """A claimed programme, its office with three reviewers, an enterprise and its provider."""

    def __init__(self, office: Office, terms: Any = CLAIMED) -> None:
        self.office = office
        self.programme: Programme = make_programme(office, terms, holding_fen=1000 * WAN)
        self.seller = make_organization("provider")
        self.claimant = make_actor(make_organization("enterprise"), "enterprise_applicant")
        self.second_reviewer = make_actor(office.organization, "reviewer")
        self.third_reviewer = make_actor(office.organization, "reviewer")
        self.analyst = make_actor(office.organization, "fraud_analyst")

    @property
    def enterprise(self) -> Organization:
        return organization_of(self.claimant)

    def claim(self, **changed: Any) -> Claim:
        handed = evidence(self.enterprise, self.seller) | changed
        return submit_claim(
            programme=self.programme,
            claimant=self.enterprise,
            **handed,
            actor=self.claimant,
            at=NOW,
        )

    def stages(self) -> tuple[Actor, Actor, Actor]:
        return self.office.reviewer, self.second_reviewer, self.office.decider

    def passed(self, claim: Claim | None = None) -> Claim:
        claim = claim or self.claim()
        for actor in self.stages():
            claim = pass_claim(claim=claim, actor=actor, at=NOW)
        return claim
