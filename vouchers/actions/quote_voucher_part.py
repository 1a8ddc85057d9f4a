"""What part of an order a voucher pays, and why. Reads only."""

from datetime import datetime

from django.db import connection

from identity.models import Organization
from vouchers.actions.accept_spending import acceptance_for
from vouchers.models import Voucher
from vouchers.queries import caps_orders, granted_facts, redeemed_before, terms_of
from vouchers.refusals import SpentOutside, TermsRefused
from vouchers.rules import Part, RuleError, voucher_part
from vouchers.rules.voucher_part import accepted_part


def one_order_at_a_time(voucher: Voucher) -> None:
    """Let no other order of the holder be judged before this transaction ends.

    For who quotes a part in order to spend it: two orders at once would both find the room that a
    cap on what is redeemed leaves for one. Nothing to wait for where the terms have no such cap.
    """
    if caps_orders(terms_of(voucher.version)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(7283, %s::bigint::integer)", [voucher.holder_id]
            )


def quote_voucher_part(
    *,
    voucher: Voucher,
    order_amount_fen: int,
    provider: Organization | None,
    at: datetime,
    available_fen: int | None = None,
    spent_in: str | None = None,
) -> Part:
    """The voucher's part of `order_amount_fen` under the terms it was issued by.

    `provider` None asks before a provider is known; `available_fen` asks about another balance
    than the voucher's own; `spent_in` is where the compute is, unless at the provider's own place.
    Outside its region the part is that of the acceptance agreement, or refused with the clause.
    Raises TermsRefused.
    """
    terms = terms_of(voucher.version)
    facts = granted_facts(voucher, terms)
    if provider is not None:
        facts |= {"provider_uscc": provider.uscc, "provider_adcode": provider.adcode}
    place = spent_in or (provider.adcode if provider is not None else None)
    agreement = None
    if place is not None:
        try:
            agreement = acceptance_for(voucher, spent_in=place, at=at)
        except SpentOutside:
            facts |= {"spending_adcode": place}  # the terms refuse it with their clause
    if available_fen is None:
        available_fen = voucher.available.balance_fen if voucher.available else 0
    try:
        part = voucher_part(
            terms,
            order_amount_fen,
            voucher_available_fen=available_fen,
            at=at,
            facts=facts,
            used=redeemed_before(voucher, terms),
            policy_version=voucher.version.label,
        )
    except RuleError as error:
        raise TermsRefused(error) from error
    return part if agreement is None else accepted_part(part, agreement.rate, agreement.pk)
