"""What a person reads where a refusal names a code: Chinese for things, states and roles, and
instants by the clock of Shanghai. Pure.

Refusals carry codes and RFC 3339 for programs; sentences are made of them here. A word means the
same for every thing it is said of, so one list serves all rooms; the office's pages have finer
words of their own. A test keeps every state, role and thing of the models in it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
# The facts of a refusal that are codes; others (names, numbers, reasons given) are shown as said.
CODES = frozenset(
    (
        *("thing", "current", "needed", "role", "state", "stage"),
        *("mode", "said", "outcome", "result", "criteria"),
    )
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
PHRASE = re.compile(r"[A-Za-z_]+(?:(?<=_)\d|[ -][A-Za-z_]+)*")
SEPARATORS = {" / ": "或", ", ": "、", " or ": "或", " … ": "至"}

THINGS = {
    "acceptance agreement": "互认协议",
    "answer": "答复",
    "application": "申领",
    "appropriation": "预算安排",
    "archive": "存档",
    "award correction": "奖补更正",
    "bank account": "银行账户",
    "bank enquiry": "银行查询",
    "book": "账套",
    "budget adjustment": "预算调整",
    "budget envelope": "预算额度",
    "case": "案件",
    "claim": "兑付申请",
    "claim window": "领券窗口",
    "clearing": "清算",
    "clearing between regions": "跨区域清算",
    "clearing entry": "清算往来",
    "correction of an award": "奖补更正",
    "delegation": "授权委托",
    "difference": "差异",
    "draw": "摇号",
    "emergency role": "紧急角色",
    "envelope": "预算额度",
    "facility": "设施",
    "green certificate": "绿证",
    "green rating": "绿色评级",
    "import": "导入",
    "job": "作业运行",
    "lease": "租约",
    "meter": "计量表",
    "meter key": "计量密钥",
    "meter of kind": "该类计量表",
    "object": "对象",
    "objection": "异议",
    "offer": "报价",
    "offer of pool": "资源池报价",
    "order": "订单",
    "organization": "机构",
    "payable": "应付款",
    "payment": "支付",
    "payout batch": "拨付批次",
    "payout item": "拨付明细",
    "person": "人员",
    "placement": "选址",
    "plausibility case": "合理性案件",
    "policy version": "政策版本",
    "pool": "资源池",
    "programme": "政策计划",
    "provider": "供应方",
    "rating": "绿色评级",
    "recovery case": "追回案件",
    "redemption": "核销",
    "relocation": "迁移建议",
    "slice": "资源切片",
    "subsidy award": "奖补",
    "suspense entry": "挂账",
    "tranche": "下达批次",
    "voucher": "算力券",
    "window answer": "窗口答复",
    "workload": "作业需求",
    "write-off": "坏账核销",
    "yearly settlement": "年度结算",
}
STATES = {
    "aborted": "已中止",
    "abandoned": "已放弃",
    "accepted": "已接受",
    "active": "启用",
    "allocated": "已分配",
    "answered": "已答复",
    "appealed": "已申诉",
    "applied": "已写入",
    "appropriated": "已安排资金",
    "approved": "已批准",
    "approved_1": "已复核",
    "approved_2": "已放行",
    "auto_checked": "已自动核查",
    "auto_verified": "自动核验通过",
    "canceled": "已取消",
    "cancelled": "已取消",
    "challenged": "质疑中",
    "charged": "已计费",
    "checked": "已检查",
    "checking": "检查中",
    "claimed": "已领取",
    "closed": "已关闭",
    "closing": "关闭中",
    "committed": "已核销",
    "complete": "已完成",
    "completed": "已完成",
    "confirmed": "已确认",
    "contested": "已提异议",
    "counting": "计数中",
    "created": "已创建",
    "decided": "已作决定",
    "declined": "已谢绝",
    "demand_issued": "已追缴",
    "dismissed": "已撤销",
    "done": "已完成",
    "draft": "草稿",
    "drafted": "已编制",
    "drawn": "已摇号",
    "ended": "已终止",
    "entered": "已参加摇号",
    "executor_error": "失败（程序原因）",
    "expired": "已到期",
    "exported": "已导出",
    "failed": "失败",
    "frozen": "已冻结",
    "given_back": "已退回",
    "granted": "已核准",
    "half_approved": "一人已批准",
    "half_confirmed": "一方已确认",
    "handed_over": "已移交所有人",
    "held": "持有",
    "identified": "已查明",
    "in_batch": "已列入拨付批次",
    "in_force": "生效中",
    "in_review": "审核中",
    "initializing": "初始化中",
    "issued": "已发放",
    "lapsed": "已失效",
    "listed": "已上架",
    "litigated": "诉讼中",
    "matched": "已匹配",
    "notice_served": "已送达通知",
    "noticed": "已告知",
    "offset": "已抵扣",
    "on_hold": "已挂起",
    "open": "开放",
    "opened": "已立案",
    "owed": "补发应付",
    "paid": "已支付",
    "parked": "已搁置",
    "partially_confirmed": "部分确认",
    "paused": "暂停",
    "payable": "应付",
    "pending": "待处理",
    "placed": "已下单",
    "posted": "已入账",
    "preempted": "被抢占",
    "processing": "处理中",
    "proposed": "已提出",
    "public_notice": "公示中",
    "quarantined": "已隔离",
    "queued": "排队中",
    "raised": "已提出",
    "recalled": "已撤回",
    "recommended": "已推荐",
    "reconciled": "已对账",
    "recovered": "已追回",
    "recovering": "追回中",
    "refused": "已拒绝",
    "reissued": "已重发",
    "rejected": "已驳回",
    "released": "已释放",
    "requested": "待支付",
    "reserved": "已预占",
    "retired": "已停用",
    "returned": "已退回",
    "revoked": "已撤销",
    "running": "运行中",
    "sent": "已发送",
    "settled": "已结清",
    "stale": "已过时",
    "submitted": "已提交",
    "succeeded": "已成功",
    "suggested": "已建议",
    "summed": "已汇总",
    "superseded": "已被取代",
    "suspected": "疑似欺诈",
    "suspended": "已暂停",
    "system_error": "失败（平台原因）",
    "turned_away": "额度已尽",
    "twice_approved": "二人已批准",
    "under_review": "审核中",
    "unidentified": "未查明",
    "unknown": "不明",
    "unplaced": "未能安排",
    "unverified": "未核验",
    "upheld": "成立",
    "uploaded": "已上传",
    "verified": "已核验",
    "voided": "已作废",
    "waiting": "候补中",
    "withdrawn": "已撤回",
    "written_off": "已核销坏账",
    # as refusals put it
    "a running case": "办理中的案件",
    "confirmed by this side": "本方已确认",
    "disputed": "有争议",
    "fen": "分",
    "fen promised": "分已承诺",
    "heard": "已复核申诉",
    "in use": "使用中",
    "no other open one": "无其他未结事项",
    "none": "无",
    "not approved": "未批准",
    "not begun": "未开始",
    "not checked": "未核查",
    "not revoked": "未撤销",
    "promised": "已承诺",
    "unanswered": "未答复",
    "undisputed": "无争议",
}
ROLES = {
    "policy_drafter": "政策起草人",
    "policy_approver": "政策批准人",
    "budget_officer": "预算管理人员",
    "reviewer": "审核人员",
    "finance_reviewer": "财政审核人员",
    "batch_maker": "拨付批次制单人",
    "batch_checker": "拨付批次复核人",
    "batch_releaser": "拨付批次放行人",
    "auditor": "审计人员",
    "fraud_analyst": "反欺诈分析人员",
    "rating_verifier": "评级核验人",
    "platform_operator": "平台运营方",
    "provider_admin": "供应方管理员",
    "enterprise_applicant": "企业申请人",
    "enterprise_approver": "企业审批人",
    "system": "系统",
    "a person": "自然人",
    "anything but auditor": "审计人员以外的角色",
    "a government officer": "政府工作人员",
    "not an auditor": "非审计人员",
    # the offices a claim or an award passes
    "county": "区县",
    "municipal": "市级",
    "provincial": "省级",
    "expert": "专家",
    "finance": "财政",
    # how public money is paid
    "deduct_at_order": "下单抵扣",
    "pay_then_claim": "先付后兑",
    "apply_then_reimburse": "申请后报销",
    "claim_and_use_at_once": "即领即用",
    # by what a person is tied to an organization
    "same_person": "同一人",
    "employer": "任职单位",
    "uscc": "持股单位",
    "address": "地址",
    "phone": "电话",
    "bank_account": "银行账户",
}
WORDS = {**THINGS, **STATES, **ROLES}


def in_chinese(said: str) -> str:
    """`said` with its words in Chinese: "approved / draft" is 已批准或草稿.

    A word that is not listed stays as it is.
    """
    for mark, zh in SEPARATORS.items():
        said = said.replace(mark, zh)
    return PHRASE.sub(lambda found: _word(found[0]), said)


def _word(phrase: str) -> str:
    return WORDS.get(phrase.lower(), phrase)


def in_shanghai(instant: str, *, chinese: bool) -> str:
    """The minute on the clock of Shanghai, or the second if there are any."""
    local = datetime.fromisoformat(instant).astimezone(UTC).astimezone(SHANGHAI)
    shown = f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    return shown if chinese else f"{shown} (Shanghai)"


def as_read(facts: Mapping[str, Any], *, chinese: bool) -> dict[str, Any]:
    """The facts of a refusal as its sentence shows them."""
    shown = dict[str, Any]()
    for name, value in facts.items():
        said = str(value)
        if INSTANT.fullmatch(said):
            shown[name] = in_shanghai(said, chinese=chinese)
        else:
            shown[name] = in_chinese(said) if chinese and name in CODES else value
    return shown
