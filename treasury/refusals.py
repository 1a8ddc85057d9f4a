"""What the treasury refuses, by name."""

from audit.decisions import Refusal


class EnvelopeNotOpen(Refusal):
    """New commitments are made only from an open envelope."""

    text_en = "Envelope {envelope} is {current}; new commitments need it open."
    text_zh = "预算额度 {envelope} 当前状态为 {current}，须为开放状态方可新增承诺。"


class EnvelopeExhausted(Refusal):
    """The envelope does not have this much left."""

    text_en = "Envelope {envelope} has less than {amount_fen} fen left."
    text_zh = "预算额度 {envelope} 可用余额不足 {amount_fen} 分。"


class CutBelowCommitted(Refusal):
    """A cut takes only what is not committed yet."""

    text_en = "Envelope {envelope} has less than {amount_fen} fen uncommitted."
    text_zh = "预算额度 {envelope} 未承诺余额不足 {amount_fen} 分，不得调减。"


class NothingToPay(Refusal):
    """A batch pays at least one approved payable."""

    http_status = 422
    text_en = "A batch needs at least one payable."
    text_zh = "拨付批次至少应包含一笔应付款。"


class MixedBooks(Refusal):
    """A batch pays from one issuer's book of one year."""

    http_status = 422
    text_en = "The payables belong to different books or issuers."
    text_zh = "所选应付款不属于同一账套或同一发放机关。"


class NoVerifiedAccount(Refusal):
    """Nobody is paid into an account that a second person has not verified."""

    text_en = "{payee} has no verified bank account."
    text_zh = "{payee} 没有已核验的银行账户。"


class AccountNotReverified(Refusal):
    """After a return the payee's account is verified anew before it is paid again."""

    text_en = "The bank returned a payment to {payee}; its account must be verified anew first."
    text_zh = "{payee} 的款项曾被银行退回，须重新核验账户后方可再次拨付。"


class BatchAltered(Refusal):
    """The items no longer add up to what was frozen and signed."""

    text_en = "Batch {batch} no longer matches its frozen hash and control total."
    text_zh = "拨付批次 {batch} 与冻结时的校验值或控制总额不符。"


class UnknownItem(Refusal):
    """The bank's answer names a payment that is not in this batch."""

    http_status = 422
    text_en = "Row {row}: no payment {end_to_end_id} in this batch."
    text_zh = "第 {row} 行：本批次中没有付款 {end_to_end_id}。"


class AnswerContradicts(Refusal):
    """The bank's answer contradicts what it said before, or the amount we sent."""

    text_en = "Row {row}: {end_to_end_id} is {current}, the bank now says {said}."
    text_zh = "第 {row} 行：{end_to_end_id} 当前为 {current}，银行回执为 {said}。"


class ItemsUnresolved(Refusal):
    """Every payment must be known paid or returned before a batch is reconciled."""

    text_en = "{count} payments are not confirmed or are unknown to the bank."
    text_zh = "尚有 {count} 笔付款未确认或银行状态不明。"


class MalformedBankFile(Refusal):
    """The bank's file cannot be read; nothing of it was applied."""

    http_status = 422
    text_en = "Row {row}: {why}"
    text_zh = "第 {row} 行：{why_zh}"
