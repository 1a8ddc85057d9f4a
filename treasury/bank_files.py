"""The files that go to the bank and come back, read and written without a database.

The payment file is UTF-8 CSV with a byte order mark (spreadsheets need it to read Chinese), amounts
in yuan with two decimals, one line per payment and a closing line with count and total. The answer
file is CSV with the columns `end_to_end_id,status,amount_yuan,code,bank_reference`.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from treasury.refusals import MalformedBankFile

PAYMENT_COLUMNS = (
    "end_to_end_id 付款编号",
    "payee 收款人",
    "uscc 统一社会信用代码",
    "account_name 账户名称",
    "account_number 账号",
    "bank 开户行",
    "amount_yuan 金额（元）",
    "purpose 用途",
)
ANSWER_COLUMNS = ("end_to_end_id", "status", "amount_yuan", "code", "bank_reference")
STATUSES = ("paid", "returned", "unknown")
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Payment:
    """One line of the file to the bank. `amount_fen` is positive."""

    end_to_end_id: str
    payee: str
    uscc: str
    account_name: str
    account_number: str
    bank: str
    amount_fen: int
    purpose: str
    cnaps: str | None = None


@dataclass(frozen=True)
class BankRow:
    """One answer of the bank. `amount_fen` is None when the bank does not repeat it.

    `line` is where it stands in the bank's file, from 1; None when it came otherwise.
    """

    end_to_end_id: str
    status: str
    amount_fen: int | None = None
    code: str | None = None
    bank_reference: str | None = None
    line: int | None = field(default=None, compare=False)


def write_payments(payments: Sequence[Payment]) -> str:
    """The payment file; byte for byte the same for the same payments."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(PAYMENT_COLUMNS)
    for each in payments:
        lines.writerow(
            [
                each.end_to_end_id,
                _shown(each.payee),
                each.uscc,
                _shown(each.account_name),
                each.account_number,
                _shown(each.bank),
                plain_yuan(each.amount_fen),
                _shown(each.purpose),
            ]
        )
    total_fen = sum(each.amount_fen for each in payments)
    lines.writerow(["total 合计", len(payments), "", "", "", "", plain_yuan(total_fen), ""])
    return out.getvalue()


def read_answers(text: str) -> list[BankRow]:
    """The bank's answers. Raises MalformedBankFile with row (from 1, the header) and reason."""
    lines = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK)))
    missing = {"end_to_end_id", "status"} - set(lines.fieldnames or ())
    if missing:
        names = ", ".join(sorted(missing))
        raise MalformedBankFile(row=1, why=f"missing column {names}", why_zh=f"缺少列 {names}")
    rows = [_answer(number, line) for number, line in enumerate(lines, start=2)]
    if not rows:
        raise MalformedBankFile(row=1, why="no answers in the file", why_zh="文件中没有回执")
    check_answers(rows)
    return rows


def check_answers(rows: Iterable[BankRow], *, once_per_status: bool = False) -> None:
    """Raise MalformedBankFile for an unknown status or a payment answered twice.

    `once_per_status`: a notice of entries may book a payment and, later on, its return.
    """
    seen: set[tuple[str, str]] = set()
    for position, row in enumerate(rows, start=1):
        number = row.line or position
        if row.status not in STATUSES:
            raise MalformedBankFile(
                row=number,
                why=f"status {row.status!r} is not one of {', '.join(STATUSES)}",
                why_zh=f"状态 {row.status!r} 无效",
            )
        answered = (row.end_to_end_id, row.status if once_per_status else "")
        if answered in seen:
            raise MalformedBankFile(
                row=number,
                why=f"{row.end_to_end_id} is answered twice",
                why_zh=f"{row.end_to_end_id} 出现两次",
            )
        seen.add(answered)


def plain_yuan(amount_fen: int) -> str:
    """Fen as yuan with two decimals and no separators, for machines."""
    yuan, fen = divmod(amount_fen, 100)
    return f"{yuan}.{fen:02d}"


def _answer(number: int, line: dict[str, str | None]) -> BankRow:
    amount = (line.get("amount_yuan") or "").strip()
    if amount and not re.fullmatch(r"\d{1,14}\.\d{2}", amount):
        raise MalformedBankFile(
            row=number,
            why=f"amount {amount!r} is not yuan with two decimals",
            why_zh=f"金额 {amount!r} 应为保留两位小数的元",
        )
    return BankRow(
        end_to_end_id=(line["end_to_end_id"] or "").strip(),
        status=(line["status"] or "").strip(),
        amount_fen=int(amount.replace(".", "")) if amount else None,
        code=(line.get("code") or "").strip() or None,
        bank_reference=(line.get("bank_reference") or "").strip() or None,
        line=number,
    )


def _shown(text: str) -> str:
    # A spreadsheet runs a cell that begins like this; a leading apostrophe makes it text.
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
