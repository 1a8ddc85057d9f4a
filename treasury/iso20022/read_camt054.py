"""The bank's notice of booked entries: ISO 20022 BankToCustomerDebitCreditNotification, camt.054.

A booked debit that names our payment is that payment, paid. A booked credit that names it is its
return, with the bank's reason. A credit that names none of ours is unidentified: for the suspense
account. Debits that are not ours (charges, other systems' payments) are left alone.
"""

from collections.abc import Collection
from dataclasses import dataclass

from treasury.bank_files import BankRow
from treasury.iso20022.amounts import fen_of
from treasury.iso20022.read_xml import Node, read_xml
from treasury.refusals import MalformedBankFile

NO_NAME = "NOTPROVIDED"  # what ISO 20022 writes when an end-to-end id was not given


@dataclass(frozen=True)
class Unidentified:
    """A credit the bank does not say the payment of. `amount_fen` is positive."""

    line: int
    amount_fen: int
    bank_reference: str
    note: str


@dataclass(frozen=True)
class Notice:
    """What a camt.054 says: answers to our payments, and credits that name none of them."""

    rows: tuple[BankRow, ...]
    unidentified: tuple[Unidentified, ...]


def read_camt054(text: str, *, account_number: str | None, ours: Collection[str]) -> Notice:
    """What `text` says about the payments `ours` (end-to-end ids) of account `account_number`.

    Only booked entries count. Raises MalformedBankFile with the line: another account, an amount
    that is not whole fen of CNY, an entry without direction.
    """
    notice = read_xml(text, message="camt.054")
    rows: list[BankRow] = []
    unidentified: list[Unidentified] = []
    for block in notice.all("Ntfctn"):
        _same_account(block, account_number)
        for entry in block.all("Ntry"):
            if (entry.said("Sts", "Cd") or entry.said("Sts")) != "BOOK":
                continue
            for detail in list(entry.all("NtryDtls", "TxDtls")) or [entry]:
                _read(entry, detail, ours, rows, unidentified)
    return Notice(tuple(rows), tuple(unidentified))


def _read(
    entry: Node,
    detail: Node,
    ours: Collection[str],
    rows: list[BankRow],
    unidentified: list[Unidentified],
) -> None:
    direction = detail.said("CdtDbtInd") or entry.said("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise MalformedBankFile(
            row=detail.line, why="no CdtDbtInd (CRDT or DBIT)", why_zh="缺少 CdtDbtInd"
        )
    amount = detail.first("Amt") or entry.first("Amt")
    if amount is None:
        raise MalformedBankFile(row=detail.line, why="no Amt", why_zh="缺少 Amt")
    named = detail.said("Refs", "EndToEndId")
    reference = detail.said("Refs", "AcctSvcrRef") or entry.said("AcctSvcrRef")
    if named in ours:
        status = "paid" if direction == "DBIT" else "returned"
        code = detail.said("RtrInf", "Rsn", "Cd") or detail.said("RtrInf", "Rsn", "Prtry")
        rows.append(BankRow(str(named), status, fen_of(amount), code, reference, detail.line))
    elif direction == "CRDT":
        if reference is None:
            raise MalformedBankFile(
                row=detail.line,
                why="a credit without AcctSvcrRef cannot be told from its repetition",
                why_zh="贷方分录缺少 AcctSvcrRef，无法识别重复",
            )
        said = [
            detail.said("RltdPties", "Dbtr", "Pty", "Nm") or detail.said("RltdPties", "Dbtr", "Nm"),
            detail.said("RmtInf", "Ustrd") or entry.said("AddtlNtryInf"),
            named if named != NO_NAME else None,
        ]
        note = " · ".join(each for each in said if each)
        unidentified.append(Unidentified(detail.line, fen_of(amount), reference, note))


def _same_account(block: Node, account_number: str | None) -> None:
    said = block.said("Acct", "Id", "Othr", "Id") or block.said("Acct", "Id", "IBAN")
    if account_number is not None and said != account_number:
        raise MalformedBankFile(
            row=block.line,
            why=f"a notice about account {said}, not ours",
            why_zh=f"该通知涉及账户 {said}，非本机关账户",
        )
