"""What the treasury refuses, by name."""

from audit.decisions import Refusal


class EnvelopeNotOpen(Refusal):
    """New commitments are made only from an open envelope."""

    text_en = "Envelope {envelope} is {current}; new commitments need it open."
    text_zh = "预算额度 {envelope} 当前状态为“{current}”，须为开放状态方可新增承诺。"


class EnvelopeExhausted(Refusal):
    """The envelope does not have this much left."""

    text_en = "Envelope {envelope} has less than {amount_fen} fen left."
    text_zh = "预算额度 {envelope} 可用余额不足 {amount_fen} 分。"


class CutBelowCommitted(Refusal):
    """A cut takes only what is not committed yet."""

    text_en = "Envelope {envelope} has less than {amount_fen} fen uncommitted."
    text_zh = "预算额度 {envelope} 未承诺余额不足 {amount_fen} 分，不得调减。"


class NotSoMuchUnreleased(Refusal):
    """A tranche releases only what was appropriated and not released yet."""

    text_en = "Envelope {envelope} has less than {amount_fen} fen not released yet."
    text_zh = "预算额度 {envelope} 未下达余额不足 {amount_fen} 分。"


class AdjustInstead(Refusal):
    """A budget that is open is changed by an adjustment, which two others approve."""

    text_en = "Envelope {envelope} is {current}: propose an adjustment, not an appropriation."
    text_zh = "预算额度 {envelope} 当前状态为“{current}”：请提出预算调整，而非新拨款。"


class SuspenseNotEmpty(Refusal):
    """Nothing unidentified may be left when a budget is closed."""

    text_en = "{amount_fen} fen of unidentified bank returns are left in book {book}."
    text_zh = "账套 {book} 尚有 {amount_fen} 分银行退款未查明。"


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
    """After a return another person verifies the payee's account before it is paid again."""

    text_en = (
        "The bank returned a payment to {payee}: somebody else than before must verify its account"
        " anew first."
    )
    text_zh = "{payee} 的款项曾被银行退回，须由另一人重新核验账户后方可再次拨付。"


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
    text_zh = "第 {row} 行：{end_to_end_id} 当前为“{current}”，银行回执为“{said}”。"


class ItemsUnresolved(Refusal):
    """Every payment must be known paid or returned before a batch is reconciled."""

    text_en = "{count} payments are not confirmed or are unknown to the bank."
    text_zh = "尚有 {count} 笔付款未确认或银行状态不明。"


class MalformedBankFile(Refusal):
    """The bank's file cannot be read; nothing of it was applied."""

    http_status = 422
    text_en = "Row {row}: {why}"
    text_zh = "第 {row} 行：{why_zh}"


class AnswersAnother(Refusal):
    """The bank's file speaks of another message than this batch's."""

    http_status = 422
    text_en = "Row {row}: the file answers {said}, this batch is {expected}."
    text_zh = "第 {row} 行：文件回复的是 {said}，本批次为 {expected}。"


class CutOffPassed(Refusal):
    """A batch is recalled before the bank's cut-off or not at all."""

    text_en = "The bank's cut-off was at {cut_off}; batch {batch} can no longer be recalled."
    text_zh = "银行截止时间为 {cut_off}，拨付批次 {batch} 已不能撤回。"


class NotUnknown(Refusal):
    """The bank is asked only about payments it gave no final answer to."""

    text_en = "{end_to_end_id} is {current}; there is nothing to ask."
    text_zh = "{end_to_end_id} 当前为“{current}”，无需查询。"


class AlreadyAsked(Refusal):
    """One question at a time."""

    text_en = "The bank has not answered the last question about {end_to_end_id} yet."
    text_zh = "银行尚未答复关于 {end_to_end_id} 的上一次查询。"


class NotTheSameAmount(Refusal):
    """A bank return is the whole of the payment it returns."""

    text_en = "The bank returned {amount_fen} fen, {end_to_end_id} was {paid_fen}."
    text_zh = "银行退回 {amount_fen} 分，而 {end_to_end_id} 为 {paid_fen} 分。"


class ClaimsTooMuch(Refusal):
    """No more is claimed back than the payable paid."""

    text_en = "Payable {reference} did not pay {amount_fen} fen that are not claimed yet."
    text_zh = "应付款 {reference} 已付且未被追回的金额不足 {amount_fen} 分。"


class ContestOpen(Refusal):
    """A demand waits until the debtor's time to contest is over or a decision is made."""

    text_en = "The notice may be contested until {until}."
    text_zh = "当事人可在 {until} 之前提出异议。"


class ContestTooLate(Refusal):
    """A notice is contested before its deadline."""

    text_en = "The time to contest ended at {until}."
    text_zh = "异议期限已于 {until} 届满。"


class MoreThanOutstanding(Refusal):
    """Nothing is taken beyond what is still outstanding."""

    text_en = "{outstanding_fen} fen are outstanding, not {amount_fen}."
    text_zh = "未追回余额为 {outstanding_fen} 分，少于 {amount_fen} 分。"


class NothingToOffset(Refusal):
    """A recovery is offset against approved payables of its debtor in its book."""

    text_en = "Payable {reference} cannot be offset: it is {current}, or of another debtor or book."
    text_zh = "应付款 {reference} 不可抵扣：当前为“{current}”，或不属于该债务人、该账套。"


class PlanDoesNotAddUp(Refusal):
    """An instalment plan is for exactly what is outstanding."""

    http_status = 422
    text_en = "The instalments add up to {sum_fen} fen; {outstanding_fen} are outstanding."
    text_zh = "分期合计 {sum_fen} 分，未追回余额为 {outstanding_fen} 分。"


class NoSuccessor(Refusal):
    """A case follows a successor that the register knows."""

    text_en = "The register knows no successor of {debtor} on {day}."
    text_zh = "登记簿中没有 {debtor} 在 {day} 的承继主体。"


class FraudNotCleared(Refusal):
    """Nothing is written off before a fraud analyst found no sign of fraud."""

    text_en = "The write-off's fraud check is {result}; it needs to be clear."
    text_zh = "核销的欺诈核查结果为“{result}”，须为“未发现欺诈”。"
