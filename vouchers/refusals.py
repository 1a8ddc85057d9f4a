"""What the programme office refuses, by name."""

from audit.decisions import Reason, Refusal
from vouchers.rules import Evaluation, RuleError


class TermsIncomplete(Refusal):
    """The source does not state every parameter; an officer must supply them with a source."""

    text_en = "The preset lacks: {missing}"
    text_zh = "预设缺少参数：{missing}"


class TermsRefused(Refusal):
    """The terms or facts are malformed or contradict themselves."""

    http_status = 422
    text_en = "{text}"
    text_zh = "{text_zh}"

    def __init__(self, error: RuleError) -> None:
        super().__init__(field=error.field, text=str(error), text_zh=error.text_zh)
        problems = getattr(error, "problems", None) or [error]
        self._reasons = tuple(
            Reason(
                getattr(each, "code", "invalid"),
                each.text_en,
                each.text_zh,
                field=getattr(each, "field", None) or getattr(each, "pointer", None),
            )
            for each in problems
        )

    def reasons(self) -> tuple[Reason, ...]:
        return self._reasons


class NotEntitled(Refusal):
    """The terms grant nothing; every unmet clause is named."""

    text_en = "Not entitled: {summary}"
    text_zh = "不符合条件：{summary_zh}"

    def __init__(self, evaluation: Evaluation) -> None:
        failing = evaluation.unmet or evaluation.unknown
        super().__init__(
            summary="; ".join(each.text_en for each in failing) or evaluation.decision,
            summary_zh="；".join(each.text_zh for each in failing) or evaluation.decision,
        )
        self._reasons = tuple(
            Reason(each.code, each.text_en, each.text_zh, clause=each.clause, field=each.fact)
            for each in failing
        )

    def reasons(self) -> tuple[Reason, ...]:
        return self._reasons


class ProgrammeNotActive(Refusal):
    """The programme takes no applications and issues nothing now."""

    text_en = "Programme {programme} is {current}."
    text_zh = "计划 {programme} 当前状态为 {current}。"


class VoucherNotUsable(Refusal):
    """The voucher is not claimed, or suspended, expired or voided."""

    text_en = "Voucher {serial} is {current}."
    text_zh = "算力券 {serial} 当前状态为 {current}。"


class VoucherExpired(Refusal):
    """The voucher's validity ended; nothing new can be reserved."""

    text_en = "Voucher {serial} was valid until {valid_until}."
    text_zh = "算力券 {serial} 的有效期至 {valid_until}。"


class VoucherExhausted(Refusal):
    """Not enough is left on the voucher; what is reserved counts as gone."""

    text_en = "Voucher {serial} does not hold {amount_fen} fen."
    text_zh = "算力券 {serial} 余额不足 {amount_fen} 分。"


class NotTheHolder(Refusal):
    """A voucher is bound to its holder and cannot be passed on."""

    http_status = 404
    text_en = "There is no such voucher."
    text_zh = "没有这张算力券。"
