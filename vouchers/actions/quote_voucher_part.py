"""What part of an order a voucher pays, and why. Reads only."""

from datetime import datetime

from identity.models import Organization
from vouchers.models import Voucher
from vouchers.queries import granted_facts, usage_of
from vouchers.refusals import TermsRefused
from vouchers.rules import Part, RuleError, Terms, Usage, voucher_part


def quote_voucher_part(
    *,
    voucher: Voucher,
    order_amount_fen: int,
    provider: Organization | None,
    at: datetime,
    available_fen: int | None = None,
) -> Part:
    """The voucher's part of `order_amount_fen` under the terms it was issued by.

    `provider` None asks before a provider is known; `available_fen` asks about another balance
    than the voucher's own. Raises TermsRefused.
    """
    terms = Terms.load(voucher.version.terms)
    facts = granted_facts(voucher, terms)
    if provider is not None:
        facts |= {"provider_uscc": provider.uscc, "provider_adcode": provider.adcode}
    if available_fen is None:
        available_fen = voucher.available.balance_fen if voucher.available else 0
    redeemed = Usage(
        tuple(
            entry
            for entry in usage_of(voucher.programme, voucher.holder).entries
            if entry.stage == "redeemed"
        )
    )
    try:
        return voucher_part(
            terms,
            order_amount_fen,
            voucher_available_fen=available_fen,
            at=at,
            facts=facts,
            used=redeemed,
            policy_version=voucher.version.label,
        )
    except RuleError as error:
        raise TermsRefused(error) from error
