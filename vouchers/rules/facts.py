"""The catalogue of facts (every name a rule may ask for, with its unit) and their gate.

A fact is named by basis and unit. An unknown name, a wrong unit (`investment_cny`), a float or a
negative amount is refused with all problems at once; a missing fact is not an error but leads to
an incomplete decision that names it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from vouchers.rules.answers import FactsError, RuleError
from vouchers.rules.exact import fraction_of

LARGEST_FEN = 2**53 - 1

FactType = Literal[
    "fen", "decimal", "rate", "int", "bool", "date", "text", "choice", "texts", "items"
]

ENTITY_TYPES = (
    "enterprise",
    "public_institution",
    "university",
    "research_institute",
    "maker",
    "intermediary",
    "one_person_company",
    "platform",
    "provider",
)
SIZES = ("micro", "small", "medium", "large")
COMPUTE_KINDS = (
    "intelligent",
    "super",
    "general",
    "storage",
    "network",
    "security",
    "support_service",
    "model_service",
    "data_trade",
    "corpus",
    "self_built",
    "other",
)


@dataclass(frozen=True)
class Fact:
    """One name in the catalogue. basis: amounts a benefit may be computed from."""

    name: str
    type: FactType
    unit: str
    text_en: str
    text_zh: str
    choices: tuple[str, ...] = ()
    basis: bool = False

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the value."""
        text = f"{self.text_en} / {self.text_zh} [{self.unit}]"
        shapes: dict[str, dict[str, Any]] = {
            "fen": {"type": "integer", "minimum": 0, "maximum": LARGEST_FEN},
            "decimal": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
            "rate": {"type": "string", "pattern": r"^(\d+(\.\d+)?|\d+/[1-9]\d*)$"},
            "int": {"type": "integer", "minimum": 0},
            "bool": {"type": "boolean"},
            "date": {"type": "string", "format": "date"},
            "text": {"type": "string", "minLength": 1},
            "choice": {"type": "string", "enum": list(self.choices)},
            "texts": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["kind", "amount_fen"],
                    "additionalProperties": False,
                    "properties": {
                        "kind": {"type": "string", "enum": list(COMPUTE_KINDS)},
                        "amount_fen": {"type": "integer", "minimum": 0, "maximum": LARGEST_FEN},
                    },
                },
            },
        }
        return {**shapes[self.type], "description": text}


def _basis(name: str, text_en: str, text_zh: str) -> Fact:
    return Fact(name, "fen", "fen", text_en, text_zh, basis=True)


_ALL = (
    _basis("contract_amount_fen", "amount of the compute contract", "算力服务合同额"),
    _basis(
        "contract_actual_amount_fen", "amount actually incurred on the contract", "合同实际发生金额"
    ),
    _basis("settled_fee_fen", "compute fee actually settled", "实际结算费用"),
    _basis("usage_fee_fen", "fee for compute used", "算力使用费用"),
    _basis("compute_cost_fen", "compute cost", "算力成本"),
    _basis("annual_spend_fen", "compute spend of the year", "年度算力支出"),
    _basis("rent_fen", "rent of compute", "算力租金"),
    _basis("order_amount_fen", "amount of the order", "订单金额"),
    _basis("model_spend_fen", "spend on model services", "模型购买费用"),
    _basis(
        "platform_metered_usage_fen",
        "usage metered by the platform, as money",
        "平台计量的实际使用费用",
    ),
    _basis("investment_fen", "actual investment", "实际投资额"),
    _basis("operation_spend_fen", "actual operating spend of the year", "年运营实际总投入"),
    _basis(
        "annual_trade_volume_fen",
        "compute trade volume of the platform in the year",
        "平台当年算力交易额",
    ),
    _basis("settlement_amount_fen", "amount settled on the platform", "平台结算额"),
    _basis("national_grant_fen", "national grant received", "国家补助资金额度"),
    _basis("municipal_grant_fen", "municipal grant actually paid", "市级实际补助额度"),
    _basis("interest_paid_fen", "loan interest paid in the year", "当年实际支付贷款利息"),
    Fact("project_investment_fen", "fen", "fen", "investment of the whole project", "项目总投资"),
    Fact(
        "annual_contract_total_fen",
        "fen",
        "fen",
        "compute contracts declared this year, together",
        "年申报智算合同累计金额",
    ),
    Fact(
        "annual_non_affiliated_rent_fen",
        "fen",
        "fen",
        "rent of unaffiliated compute this year",
        "年租用非关联智能算力金额",
    ),
    Fact(
        "other_aid_fen",
        "fen",
        "fen",
        "other public money on the same contract or project",
        "同一合同或项目已获其他财政资金",
    ),
    Fact(
        "loan_annual_rate",
        "rate",
        "fraction per year",
        "yearly interest rate of the loan",
        "贷款年利率",
    ),
    Fact(
        "approved_rate",
        "rate",
        "fraction",
        "rate an officer fixed below a ceiling rate",
        "核定比例（不高于上限）",
    ),
    Fact("green_energy_kwh", "decimal", "kWh", "green electricity used", "绿电用量"),
    Fact("green_share", "rate", "fraction", "share of green electricity", "绿电占比"),
    Fact("pue", "decimal", "ratio", "yearly average PUE", "年均PUE"),
    Fact("compute_p", "decimal", "PFLOPS", "compute scale as the rule counts it", "算力规模"),
    Fact("compute_p_fp16", "decimal", "PFLOPS FP16", "compute scale in FP16", "算力规模（FP16）"),
    Fact("standard_racks", "int", "racks", "standard racks", "标准机架数"),
    Fact("land_price_fen_per_mu", "fen", "fen/mu", "land price per mu", "每亩地价"),
    Fact("commissioned_year", "int", "year", "year the data centre was commissioned", "投产年份"),
    Fact("energy_year", "int", "year", "year the electricity was used", "用电年份"),
    Fact("rank", "int", "place", "place in the ranking", "综合排名"),
    Fact(
        "operation_year",
        "int",
        "year of operation",
        "which year of operation, from 1",
        "运营第几年",
    ),
    Fact("subsidised_months", "int", "months", "months already subsidised", "已获补贴月数"),
    Fact("uscc", "text", "USCC", "unified social credit code", "统一社会信用代码"),
    Fact("entity_type", "choice", "code", "kind of entity", "主体类型", ENTITY_TYPES),
    Fact("registered_adcode", "text", "GB/T 2260", "where registered", "注册地行政区划代码"),
    Fact("size", "choice", "code", "size of the enterprise", "企业规模", SIZES),
    Fact("industry", "text", "name", "industry", "行业"),
    Fact("company_age_months", "int", "months", "whole months since founding", "成立月数"),
    Fact("startup", "bool", "yes/no", "recognised as a start-up", "是否初创企业"),
    Fact(
        "settled_in_region",
        "bool",
        "yes/no",
        "AI enterprise or institute settled here this year",
        "当年落户本市的AI企业、科研机构",
    ),
    Fact(
        "project_grade",
        "choice",
        "code",
        "grade of the major project led",
        "牵头重大项目级别",
        ("national", "provincial", "none"),
    ),
    Fact(
        "hardware_origin",
        "choice",
        "code",
        "origin of the compute hardware",
        "算力设施来源",
        ("domestic", "other"),
    ),
    Fact(
        "rate_bracket",
        "choice",
        "code",
        "bracket of facility or voucher as classified",
        "核定档次",
        ("high", "low"),
    ),
    Fact(
        "use_type",
        "choice",
        "code",
        "what the compute is used for",
        "算力用途",
        ("training", "inference", "application", "registered_model", "research", "other"),
    ),
    Fact(
        "voucher_kind",
        "choice",
        "code",
        "kind of voucher applied for",
        "券种",
        ("compute", "smart", "smart_matched", "smart_plus_compute", "model", "corpus"),
    ),
    Fact(
        "funding_level",
        "choice",
        "code",
        "who pays the aid",
        "补贴出资层级",
        ("city", "city_and_district"),
    ),
    Fact(
        "local_platform_used",
        "bool",
        "yes/no",
        "a local compute platform is used",
        "是否使用本地算力服务平台",
    ),
    Fact("compute_kind", "choice", "code", "kind of compute bought", "算力类型", COMPUTE_KINDS),
    Fact("items", "items", "fen", "the basis by kind of service", "按服务类型列示的费用"),
    Fact("provider_uscc", "text", "USCC", "code of the provider", "供给方统一社会信用代码"),
    Fact(
        "provider_adcode",
        "text",
        "GB/T 2260",
        "where the provider is registered",
        "供给方注册地行政区划代码",
    ),
    Fact(
        "provider_affiliated",
        "bool",
        "yes/no",
        "the provider is affiliated with the applicant",
        "供给方是否为关联方",
    ),
    Fact(
        "provider_listed",
        "bool",
        "yes/no",
        "the provider is on the programme's list",
        "供给方是否在入库名单",
    ),
    Fact(
        "spending_adcode", "text", "GB/T 2260", "where the compute is spent", "用券地行政区划代码"
    ),
    Fact("contract_ref", "text", "reference", "the contract's reference", "合同编号"),
    Fact("contract_signed_on", "date", "civil day", "day the contract was signed", "合同签订日"),
    Fact("contract_starts_on", "date", "civil day", "first day of the contract", "合同开始日"),
    Fact("contract_ends_on", "date", "civil day", "last day of the contract", "合同结束日"),
    Fact(
        "contract_already_awarded",
        "bool",
        "yes/no",
        "the contract was already awarded a voucher",
        "同一合同是否已申领",
    ),
    Fact(
        "other_public_aid",
        "bool",
        "yes/no",
        "other public money supports the same compute",
        "是否已获其他财政资金支持",
    ),
    Fact(
        "also_applies_as_supplier",
        "bool",
        "yes/no",
        "the applicant also applies on the other side",
        "是否同时在供给侧申领",
    ),
    Fact("conditions_met", "texts", "ids", "conditions a reviewer confirmed", "已核实满足的条件"),
    Fact(
        "conditions_unmet",
        "texts",
        "ids",
        "conditions a reviewer found failing",
        "已核实不满足的条件",
    ),
    Fact("evidence_provided", "texts", "ids", "evidence handed in", "已提交的证明材料"),
    Fact("voucher_available_fen", "fen", "fen", "what the voucher still holds", "算力券可用余额"),
)

CATALOGUE: Mapping[str, Fact] = {fact.name: fact for fact in _ALL}
BASES = frozenset(fact.name for fact in _ALL if fact.basis)

_UNIT_SUFFIX = re.compile(
    r"_(cny|yuan|rmb|wan|wanyuan|wan_yuan|fen|cents|usd|mwh|kwh|pct|percent)$"
)


def _problem(code: str, field: str, text_en: str, text_zh: str) -> RuleError:
    return RuleError(code, field, text_en, text_zh)


def _unknown_name(name: str) -> RuleError:
    stem = _UNIT_SUFFIX.sub("", name)
    for known in CATALOGUE:
        if _UNIT_SUFFIX.sub("", known) == stem and _UNIT_SUFFIX.search(name):
            unit = CATALOGUE[known].unit
            return _problem(
                "wrong_unit",
                name,
                f"wrong unit: give {known} [{unit}]",
                f"单位错误：应使用 {known}（{unit}）",
            )
    return _problem("unknown_fact", name, "no rule knows this fact", "没有规则使用此事实")


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, str) and fraction_of(value) >= 0
    except ValueError:
        return False


def _fits(fact: Fact, value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_FEN
    match fact.type:
        case "fen" | "int":
            return whole
        case "rate":
            return _is_number(value)
        case "decimal":
            return _is_number(value) and "/" not in value
        case "bool":
            return isinstance(value, bool)
        case "date":
            return _is_date(value)
        case "text":
            return isinstance(value, str) and value != ""
        case "choice":
            return value in fact.choices
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "items":
            return isinstance(value, list) and all(
                isinstance(item, Mapping)
                and set(item) == {"kind", "amount_fen"}
                and item["kind"] in COMPUTE_KINDS
                and _fits(CATALOGUE["other_aid_fen"], item["amount_fen"])
                for item in value
            )


def check_facts(
    facts: Mapping[str, Any], *, allowed: Iterable[str] | None = None
) -> dict[str, Any]:
    """`facts` as a plain dict, sorted by name.

    allowed: the names this policy uses; a known name it has no use for is refused, because a wrong
    basis must never be read as a missing one. Raises FactsError with every problem.
    """
    names = set(CATALOGUE) if allowed is None else set(allowed)
    problems: list[RuleError] = []
    for name, value in facts.items():
        fact = CATALOGUE.get(name)
        if fact is None:
            problems.append(_unknown_name(str(name)))
        elif name not in names:
            problems.append(
                _problem(
                    "fact_not_used",
                    name,
                    "this policy does not use this fact",
                    "本政策不使用此事实",
                )
            )
        elif not _fits(fact, value):
            problems.append(
                _problem(
                    "wrong_value",
                    name,
                    f"expected {fact.type} in {fact.unit}, got {value!r}",
                    f"应为 {fact.type}（{fact.unit}），实为 {value!r}",
                )
            )
    if problems:
        raise FactsError(problems)
    return {name: facts[name] for name in sorted(facts)}
