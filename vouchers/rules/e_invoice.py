"""A fully digitalized e-invoice (数电发票) read from the XML file the tax authority issues.

The number has 20 digits: 2 of the year, 2 of the province, 1 of the channel, 15 in sequence
(国家税务总局公告 on 全面数字化的电子发票). The file's elements are those of `EInvoice`; its seal is
not verified here, which a claim says among its checks.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

from vouchers.rules.answers import RuleError

LARGEST_FILE = 200_000
_PROVINCES = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66)}
)


@dataclass(frozen=True)
class EInvoice:
    """What a claim needs of an invoice; `total_fen` includes tax."""

    number: str
    issued_on: date
    seller_uscc: str
    buyer_uscc: str
    total_fen: int


def number_problem(number: str, issued_on: date) -> tuple[str, str] | None:
    """Why `number` cannot be an e-invoice of that day (English, Chinese), or None."""
    if not re.fullmatch(r"[0-9]{20}", number):
        return "an e-invoice number has 20 digits", "数电发票号码为20位数字"
    if int(number[:2]) != issued_on.year % 100:
        return "the number's year is not the year of issue", "号码前两位与开票年度不一致"
    if int(number[2:4]) not in _PROVINCES:
        return "the number names no province", "号码第3至4位不是省级区域代码"
    return None


def read_e_invoice(text: str) -> EInvoice:
    """Read the XML file. Raises RuleError naming the element that is missing or wrong.

    Document type declarations are refused, so no entity is ever expanded.
    """
    if len(text) > LARGEST_FILE:
        raise _wrong("EInvoice", "the file is too large", "文件过大")
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise _wrong("EInvoice", "document types are not accepted", "不接受文档类型声明")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no document type gets here
    except (ElementTree.ParseError, ValueError) as error:
        raise _wrong("EInvoice", "not an XML file", "不是有效的XML文件") from error

    def element(name: str) -> str:
        found = root.find(f".//{name}")
        if found is None or not (found.text or "").strip():
            raise _wrong(name, f"{name} is missing", f"缺少 {name}")
        return (found.text or "").strip()

    number = element("InvoiceNumber")
    try:
        issued_on = date.fromisoformat(element("IssueTime")[:10])
    except ValueError as error:
        raise _wrong("IssueTime", "not a date", "开票日期有误") from error
    if problem := number_problem(number, issued_on):
        raise _wrong("InvoiceNumber", *problem)
    return EInvoice(
        number,
        issued_on,
        element("SellerIdNum"),
        element("BuyerIdNum"),
        _fen(element("TotalTax-includedAmount")),
    )


def _fen(yuan: str) -> int:
    try:
        fen = Decimal(yuan) * 100
        if fen != fen.to_integral_value() or not 0 < fen < 2**53:
            raise InvalidOperation
    except InvalidOperation as error:
        raise _wrong(
            "TotalTax-includedAmount", "not a positive amount of whole fen", "价税合计有误"
        ) from error
    return int(fen)


def _wrong(element: str, english: str, chinese: str) -> RuleError:
    return RuleError("e_invoice_refused", element, english, chinese)
