"""Amounts as ISO 20022 writes them: decimal CNY, a currency beside it."""

import re

from treasury.iso20022.read_xml import Node
from treasury.refusals import MalformedBankFile

_CNY = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,5}))?")


def fen_of(amount: Node) -> int:
    """The fen of an amount element. Raises MalformedBankFile: other currency, parts of a fen."""
    currency, written = amount.attributes.get("Ccy"), amount.text.strip()
    if currency != "CNY":
        raise MalformedBankFile(
            row=amount.line,
            why=f"currency {currency}, not CNY",
            why_zh=f"币种为 {currency}，非 CNY",
        )
    found = _CNY.fullmatch(written)
    decimals = ((found[2] or "") if found else "").rstrip("0")
    if found is None or len(decimals) > 2:
        raise MalformedBankFile(
            row=amount.line,
            why=f"amount {written!r} is not whole fen",
            why_zh=f"金额 {written!r} 不是整数分",
        )
    return int(found[1]) * 100 + int(decimals.ljust(2, "0"))
