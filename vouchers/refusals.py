"""What the programme office refuses, by name."""

from collections.abc import Sequence

from audit.decisions import Reason, Refusal
from vouchers.rules import Evaluation, Missing, RuleError
from vouchers.rules.choice_words import in_words


class TermsIncomplete(Refusal):
    """The source does not state every parameter; an officer must supply them with a source."""

    text_en = "The preset lacks: {missing}"
    text_zh = "预设缺少参数：{missing_zh}"

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(
            missing="; ".join(each.text_en for each in missing),
            missing_zh="；".join(each.text_zh for each in missing),
        )


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
        self._reasons = tuple(
            Reason(
                each.code,
                each.text_en,
                in_words(each.text_zh, each.fact),
                clause=each.clause,
                field=each.fact,
            )
            for each in evaluation.unmet or evaluation.unknown
        )
        super().__init__(
            summary="; ".join(each.text_en for each in self._reasons) or "nothing is granted",
            summary_zh="；".join(each.text_zh for each in self._reasons) or "不予补贴",
        )

    def reasons(self) -> tuple[Reason, ...]:
        return self._reasons


class ProgrammeNotActive(Refusal):
    """The programme takes no applications and issues nothing now."""

    text_en = "Programme {programme} is {current}."
    text_zh = "计划 {programme} 当前状态为“{current}”。"


class VoucherNotUsable(Refusal):
    """The voucher is not claimed, or suspended, expired or voided."""

    text_en = "Voucher {serial} is {current}."
    text_zh = "算力券 {serial} 当前状态为“{current}”。"


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


class TokenInvalid(Refusal):
    """A claim needs a claim token for its window; one is issued with the admission."""

    http_status = 401
    text_en = "A valid claim token for this window is needed; ask for admission first."
    text_zh = "需要本窗口的有效领券凭证，请先办理准入。"


class TokenExpired(Refusal):
    """The claim token's time is over; ask for admission again, which keeps the first one."""

    http_status = 401
    text_en = "The claim token has expired; ask for admission again."
    text_zh = "领券凭证已过期，请重新获取。"


class WindowNotOpenYet(Refusal):
    """By the database's clock the window has not opened."""

    text_en = "The claim window is not open yet."
    text_zh = "领券窗口尚未开放。"


class WindowOver(Refusal):
    """By the database's clock the window is over."""

    text_en = "The claim window is over."
    text_zh = "领券窗口已结束。"


class WindowSuspended(Refusal):
    """The envelope is frozen or the programme suspended; nothing is granted meanwhile."""

    text_en = "The claim window is suspended."
    text_zh = "领券窗口已暂停。"


class NotAdmitted(Refusal):
    """Only admitted enterprises claim."""

    http_status = 403
    text_en = "This enterprise is not admitted to the claim window."
    text_zh = "该企业未获准进入本领券窗口。"


class BeyondAdmission(Refusal):
    """One asks for at most what one was admitted for."""

    http_status = 422
    text_en = "This is more than the enterprise was admitted for."
    text_zh = "申领金额超过准入额度。"

    def __init__(self) -> None:
        super().__init__(field="amount_fen")


class ClaimKeyReused(Refusal):
    """The same Idempotency-Key came again with another body."""

    http_status = 422
    code = "idempotency_key_reused"
    text_en = "This key was used before with another request."
    text_zh = "该幂等键已用于其他请求。"


class ClaimKeyMissing(Refusal):
    """A claim carries an Idempotency-Key, so that it can be repeated safely."""

    http_status = 422
    text_en = "A claim needs an Idempotency-Key header of 1 to 200 characters."
    text_zh = "领券请求须带 1 至 200 个字符的 Idempotency-Key 请求头。"


class WindowStillRuns(Refusal):
    """What ends a window waits for the instant it was announced to end."""

    text_en = "The claim window runs until {closes_at}."
    text_zh = "领券窗口的结束时间为 {closes_at}。"


class GrantInUse(Refusal):
    """Only a voucher nothing was spent or reserved from can be given back."""

    text_en = "Voucher {serial} is in use and cannot be given back."
    text_zh = "算力券 {serial} 已被使用，不能退回。"


class ClaimNotRecorded(Refusal):
    """The database could not be asked; nothing was recorded."""

    http_status = 503
    code = "database_unavailable"
    text_en = "The database is unavailable. Nothing was recorded; try again shortly."
    text_zh = "数据库暂不可用，未记录任何内容，请稍后重试。"


class ClaimOutcomeUnknown(Refusal):
    """The connection was lost while the claim was under way; its key finds out the end."""

    http_status = 503
    code = "outcome_unknown"
    text_en = "It is not known whether this claim was recorded. Repeat it with the same key."
    text_zh = "无法确定本次申领是否已记录，请使用相同的幂等键重试。"


class NotClaimed(Refusal):
    """The programme's terms pay this money by another road."""

    text_en = "Programme {programme} pays by {mode}; nothing is claimed back."
    text_zh = "计划 {programme} 的兑付方式为“{mode}”，不受理先付后兑申请。"


class EvidenceUsedBefore(Refusal):
    """The same contract, invoice, payment or usage record supports another claim."""

    text_en = "This {kind} ({number}) supports another claim already."
    text_zh = "该{kind_zh}（{number}）已用于其他兑付申请。"


class EvidenceRefused(Refusal):
    """Automatic checks of the evidence failed; each is named."""

    http_status = 422
    text_en = "The evidence does not hold: {summary}"
    text_zh = "证明材料未通过核验：{summary_zh}"

    def __init__(self, failed: Sequence[Reason]) -> None:
        super().__init__(
            summary="; ".join(each.text_en for each in failed),
            summary_zh="；".join(each.text_zh for each in failed),
        )
        self._reasons = tuple(failed)

    def reasons(self) -> tuple[Reason, ...]:
        return self._reasons


class NoticeStillRuns(Refusal):
    """Public notice ends when it was announced to end."""

    text_en = "The public notice runs until {until}."
    text_zh = "公示期至 {until} 结束。"


class ObjectionsOpen(Refusal):
    """An objection was not decided yet, or was upheld."""

    text_en = "{count} objection(s) are open or upheld."
    text_zh = "有 {count} 条异议未处理或已成立。"


class AwardNotPaidYet(Refusal):
    """Nothing can be asked back before it is paid; the correction stays raised until then."""

    text_en = "The award is {current}: what is asked back must have been paid first."
    text_zh = "该奖补当前为“{current}”：须待款项实际支付后方可追回差额。"


class SpentOutside(Refusal):
    """The terms keep the voucher at home, and no agreement in force accepts it there."""

    text_en = (
        "Clause {clause}: spendable in {home} and where an agreement accepts it, not in {place}."
    )
    text_zh = "条款 {clause}：仅可在 {home} 及有互认协议的地区使用，不可在 {place} 使用。"


class AcceptanceCapReached(Refusal):
    """The agreement between the two regions accepts no more."""

    text_en = "The acceptance agreement's cap does not hold {amount_fen} fen more."
    text_zh = "互认协议额度不足以再接受 {amount_fen} 分。"


class ReversedTooMuch(Refusal):
    """More would be given back than was owed."""

    http_status = 422
    text_en = "Only {left_fen} fen of this entry can still be given back."
    text_zh = "该笔往来最多还可冲回 {left_fen} 分。"


class NothingToNet(Refusal):
    """Every entry between the two regions is in a clearing or disputed."""

    text_en = "Nothing is owed between the two that is not in a clearing already."
    text_zh = "两地之间没有待清算的往来。"


class BasisNotInBooks(Refusal):
    """The books do not tell this basis; it is stated with evidence instead."""

    http_status = 422
    text_en = "The books do not tell {basis}; state it with its evidence."
    text_zh = "账簿中没有 {basis}，请据实填报并附证明。"


class NotYourStage(Refusal):
    """Another office's turn."""

    http_status = 403
    text_en = "The claim waits for the stage {stage}."
    text_zh = "该申请当前处于“{stage}”环节。"


class QuotaSpent(Refusal):
    """What the programme may redeem is spent, whatever the voucher still holds."""

    text_en = "The redemption quota of this budget does not hold {amount_fen} fen any more."
    text_zh = "该预算的核销限额不足 {amount_fen} 分。"


class PartTooLarge(Refusal):
    """The terms let the voucher pay less of this order."""

    http_status = 422
    text_en = "The voucher pays at most {most_fen} fen of this order: {why}"
    text_zh = "该订单最多可用券 {most_fen} 分：{why_zh}"


class NotSimulated(Refusal):
    """Terms need passing test cases and a simulation before approval; retroactive ones also what
    they would have changed."""

    text_en = "Version {version} lacks: {lacking}."
    text_zh = "版本 {version} 缺少：{lacking_zh}。"


class RecomputationIsStale(Refusal):
    """Something was decided after the differences were computed: compute and read them again."""

    text_en = "What version {version} changes is no longer what was computed; compute it again."
    text_zh = "版本 {version} 的追溯差异已变化，请重新测算后再审批。"


class YearNotOver(Refusal):
    """A budget year is settled once it is over: what is still to come would be left out."""

    text_en = "The budget year {year} is not over"
    text_zh = "{year} 预算年度尚未结束"
