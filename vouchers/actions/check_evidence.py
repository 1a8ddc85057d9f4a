"""What a machine can say of a claim's evidence before any person looks at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from audit.decisions import Reason
from identity.models import Organization
from identity.related_parties import ties_among
from vouchers.queries import SHANGHAI
from vouchers.rules import RuleError
from vouchers.rules.e_invoice import EInvoice, read_e_invoice


@dataclass(frozen=True)
class Checked:
    """The invoices read, every check with its outcome, and whether buyer and seller are related.

    `affiliated` is None when the seller is not registered here: nobody knows.
    """

    invoices: tuple[EInvoice, ...]
    checks: tuple[Reason, ...]
    unknown: tuple[Reason, ...]
    affiliated: bool | None

    @property
    def failed(self) -> tuple[Reason, ...]:
        return tuple(each for each in self.checks if not each.satisfied)

    def as_list(self) -> list[dict[str, Any]]:
        """Each check with `status`: met, unmet, or unknown (a reviewer looks)."""
        told = [
            {**each.as_dict(), "status": "met" if each.satisfied else "unmet"}
            for each in self.checks
        ]
        return told + [{**each.as_dict(), "status": "unknown"} for each in self.unknown]


def check_evidence(
    claimant: Organization,
    contract: Mapping[str, Any],
    invoices: Sequence[str],
    payments: Sequence[Mapping[str, Any]],
    usages: Sequence[Mapping[str, Any]],
    *,
    at: datetime,
) -> Checked:
    """Formats, parties, related parties and periods. Never raises for what it can report."""
    read, checks = _read(invoices)
    today = at.astimezone(SHANGHAI).date()
    seller, signed = str(contract["seller_uscc"]), contract["signed_on"]
    for index, one in enumerate(read):
        at_one = f"invoices/{index}"
        checks += [
            _check("buyer_is_claimant", one.buyer_uscc == claimant.uscc, at_one, *BUYER),
            _check("seller_is_provider", one.seller_uscc == seller, at_one, *SELLER),
            _check("invoice_in_period", signed <= one.issued_on <= today, at_one, *INVOICED),
        ]
    for index, one_payment in enumerate(payments):
        inside = signed <= one_payment["paid_on"] <= today
        checks.append(_check("payment_in_period", inside, f"payments/{index}", *PAID))
    checks += _usage_checks(contract, usages, today)
    affiliated = _affiliated(claimant, seller, today)
    checks.append(_check("not_related", not affiliated, "contract/seller_uscc", *RELATED))
    unknown = [Reason("invoice_seal", *SEAL, satisfied=True, field="invoices")]
    if affiliated is None:
        unknown.append(
            Reason("seller_unregistered", *STRANGER, satisfied=True, field="contract/seller_uscc")
        )
    return Checked(tuple(read), tuple(checks), tuple(unknown), affiliated)


BUYER = "the invoice's buyer is the claimant", "发票购买方为申请单位"
SELLER = "the invoice's seller is the contract's provider", "发票销售方为合同供应方"
INVOICED = "invoiced between the signing and today", "开票日在合同签订日与今日之间"
PAID = "paid between the signing and today", "付款日在合同签订日与今日之间"
USED = "used within the contract and not in the future", "使用期间在合同期内且不晚于今日"
APART = "usage records do not overlap", "使用记录期间不重叠"
RELATED = "provider and claimant are not related parties", "供应方与申请单位无关联关系"
SEAL = (
    "the seal of the e-invoice is to be verified with the tax authority by a reviewer",
    "数电发票签章须由审核人员在税务平台查验",
)
STRANGER = (
    "the provider is not registered here; whether it is related is not known",
    "供应方未在本平台登记，关联关系未知",
)


def _check(code: str, holds: bool, field: str, english: str, chinese: str) -> Reason:
    return Reason(code, english, chinese, satisfied=holds, field=field)


def _read(invoices: Sequence[str]) -> tuple[list[EInvoice], list[Reason]]:
    read: list[EInvoice] = []
    checks: list[Reason] = []
    for index, text in enumerate(invoices):
        try:
            read.append(read_e_invoice(text))
        except RuleError as error:
            english, chinese = f"{error.field}: {error.text_en}", f"{error.field}：{error.text_zh}"
            checks.append(Reason("e_invoice_refused", english, chinese, field=f"invoices/{index}"))
    return read, checks


def _usage_checks(
    contract: Mapping[str, Any], usages: Sequence[Mapping[str, Any]], today: date
) -> list[Reason]:
    checks = []
    for index, usage in enumerate(usages):
        inside = (
            contract["starts_on"] <= usage["starts_on"] <= usage["ends_on"] <= contract["ends_on"]
            and usage["ends_on"] <= today
        )
        checks.append(_check("usage_in_period", inside, f"usages/{index}", *USED))
    ordered = sorted(usages, key=lambda usage: usage["starts_on"])
    apart = all(one["ends_on"] < other["starts_on"] for one, other in pairwise(ordered))
    checks.append(_check("usage_apart", apart, "usages", *APART))
    return checks


def _affiliated(claimant: Organization, seller_uscc: str, on: date) -> bool | None:
    """Whether the register ties the two together; None when the seller is not in it."""
    if seller_uscc == claimant.uscc:
        return True
    seller = Organization.objects.filter(uscc=seller_uscc).first()
    if seller is None:
        return None
    return bool(ties_among([claimant, seller]).between(claimant.pk, seller.pk, on=on))
