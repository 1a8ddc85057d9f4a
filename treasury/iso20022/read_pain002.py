"""The bank's status report on a payment file: ISO 20022 CustomerPaymentStatusReport, pain.002."""

from treasury.bank_files import BankRow, check_answers
from treasury.iso20022.read_xml import Node, read_xml
from treasury.refusals import AnswersAnother, MalformedBankFile

# ExternalPaymentTransactionStatus1Code. What is under way is no answer yet.
PAID = frozenset({"ACSC", "ACCC"})
RETURNED = frozenset({"RJCT", "CANC"})
UNDER_WAY = frozenset({"RCVD", "ACTC", "ACCP", "ACSP", "ACWC", "ACFC", "PATC"})
UNKNOWN = frozenset({"PDNG", "BLCK"})


def read_pain002(text: str, *, message_id: str) -> list[BankRow]:
    """The final answers in `text`, which must report on our message `message_id`.

    A payment still under way yields no row. A rejection of the whole file says so in a row with
    end_to_end_id "*". Raises MalformedBankFile and AnswersAnother, both with the line.
    """
    report = read_xml(text, message="pain.002")
    group = report.first("OrgnlGrpInfAndSts")
    if group is None:
        raise MalformedBankFile(
            row=report.line, why="no OrgnlGrpInfAndSts", why_zh="缺少 OrgnlGrpInfAndSts"
        )
    about = group.said("OrgnlMsgId")
    if about != message_id:
        raise AnswersAnother(row=group.line, said=about, expected=message_id)
    if group.said("GrpSts") in RETURNED:
        return [BankRow("*", "returned", None, _reason(group), None, group.line)]
    rows = []
    for block in report.all("OrgnlPmtInfAndSts"):
        if block.said("PmtInfSts") in RETURNED and block.first("TxInfAndSts") is None:
            rows.append(BankRow("*", "returned", None, _reason(block), None, block.line))
        rows += [row for each in block.all("TxInfAndSts") if (row := _row(each)) is not None]
    check_answers(rows)
    return rows


def _row(line: Node) -> BankRow | None:
    named, status = line.said("OrgnlEndToEndId"), line.said("TxSts")
    if named is None or status is None:
        missing = "OrgnlEndToEndId" if named is None else "TxSts"
        raise MalformedBankFile(row=line.line, why=f"no {missing}", why_zh=f"缺少 {missing}")
    if status in UNDER_WAY:
        return None
    for codes, ours in ((PAID, "paid"), (RETURNED, "returned"), (UNKNOWN, "unknown")):
        if status in codes:
            reference = line.said("AcctSvcrRef") or line.said("StsId")
            return BankRow(named, ours, None, _reason(line), reference, line.line)
    raise MalformedBankFile(
        row=line.line, why=f"status {status!r} is not known", why_zh=f"状态 {status!r} 未知"
    )


def _reason(line: Node) -> str | None:
    return line.said("StsRsnInf", "Rsn", "Cd") or line.said("StsRsnInf", "Rsn", "Prtry")
