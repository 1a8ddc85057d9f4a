"""The payment file as ISO 20022 CustomerCreditTransferInitiation, pain.001.001.09, in CNY.

Banks are named by their CNAPS code where it is known (clearing system "CNAPS" of the external code
list), else by name; parties carry their unified social credit code as a proprietary identifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from treasury.bank_files import Payment, plain_yuan

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
SHANGHAI = ZoneInfo("Asia/Shanghai")
Element = ElementTree.Element


@dataclass(frozen=True)
class Debtor:
    """Who pays, from which account. `cnaps` is the bank's code, or None when it is not known."""

    name: str
    uscc: str
    account_name: str
    account_number: str
    bank: str
    cnaps: str | None


def write_pain001(
    payments: Sequence[Payment], *, debtor: Debtor, message_id: str, at: datetime
) -> str:
    """The document; byte for byte the same for the same arguments. Executed on the day of `at`.

    Texts longer than the schema's 140 characters are cut. Raises ValueError without payments.
    """
    if not payments:
        raise ValueError("a payment file has payments")
    total_fen = sum(each.amount_fen for each in payments)
    counted = (("NbOfTxs", str(len(payments))), ("CtrlSum", plain_yuan(total_fen)))
    moment = at.astimezone(SHANGHAI).replace(microsecond=0)
    root = Element("Document", xmlns=NAMESPACE)
    initiation = _add(root, "CstmrCdtTrfInitn")
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", message_id)
    _add(header, "CreDtTm", moment.isoformat())
    for name, text in counted:
        _add(header, name, text)
    _party(header, "InitgPty", debtor.name, debtor.uscc)
    block = _add(initiation, "PmtInf")
    _add(block, "PmtInfId", message_id)
    _add(block, "PmtMtd", "TRF")
    for name, text in counted:
        _add(block, name, text)
    _add(_add(block, "ReqdExctnDt"), "Dt", moment.date().isoformat())
    _party(block, "Dbtr", debtor.name, debtor.uscc)
    _account(block, "DbtrAcct", debtor.account_number, debtor.account_name, currency="CNY")
    _agent(block, "DbtrAgt", debtor.bank, debtor.cnaps)
    for payment in payments:
        _transfer(block, payment)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _transfer(block: Element, payment: Payment) -> None:
    line = _add(block, "CdtTrfTxInf")
    named = _add(line, "PmtId")
    _add(named, "InstrId", payment.end_to_end_id)
    _add(named, "EndToEndId", payment.end_to_end_id)
    _add(_add(line, "Amt"), "InstdAmt", plain_yuan(payment.amount_fen)).set("Ccy", "CNY")
    _agent(line, "CdtrAgt", payment.bank, payment.cnaps)
    _party(line, "Cdtr", payment.payee, payment.uscc)
    _account(line, "CdtrAcct", payment.account_number, payment.account_name)
    _add(_add(line, "RmtInf"), "Ustrd", payment.purpose[:140])


def _party(parent: Element, name: str, shown: str, uscc: str) -> None:
    party = _add(parent, name)
    _add(party, "Nm", shown[:140])
    other = _add(_add(_add(party, "Id"), "OrgId"), "Othr")
    _add(other, "Id", uscc)
    _add(_add(other, "SchmeNm"), "Prtry", "USCC")


def _account(
    parent: Element, name: str, number: str, shown: str, *, currency: str | None = None
) -> None:
    account = _add(parent, name)
    _add(_add(_add(account, "Id"), "Othr"), "Id", number)
    if currency:
        _add(account, "Ccy", currency)
    _add(account, "Nm", shown[:70])


def _agent(parent: Element, name: str, bank: str, cnaps: str | None) -> None:
    institution = _add(_add(parent, name), "FinInstnId")
    if cnaps:
        member = _add(institution, "ClrSysMmbId")
        _add(_add(member, "ClrSysId"), "Cd", "CNAPS")
        _add(member, "MmbId", cnaps)
    _add(institution, "Nm", bank[:140])


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = ElementTree.SubElement(parent, name)
    child.text = text
    return child
