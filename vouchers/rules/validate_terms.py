"""Is a terms document well formed, and does it contradict itself? Every problem, with a pointer."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

from vouchers.rules.answers import TermsProblem
from vouchers.rules.exact import fraction_of
from vouchers.rules.facts import BASES, CATALOGUE
from vouchers.rules.tiers import tier_problems
from vouchers.rules.when import when_problems

_USES_BASIS = (
    "rate",
    "tiers_marginal",
    "tiers_whole",
    "threshold_rate",
    "matching_grant",
    "interest_subsidy",
    "face_value",
)


@cache
def terms_schema() -> dict[str, Any]:
    """The shipped JSON Schema (draft 2020-12) of a terms document."""
    text = files("vouchers.rules").joinpath("terms.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(terms_schema())


def _problem(pointer: str, code: str, text_en: str, text_zh: str) -> TermsProblem:
    return TermsProblem(pointer, code, text_en, text_zh)


def _of_shape(document: Any) -> list[TermsProblem]:
    found = []
    for error in sorted(
        _validator().iter_errors(document), key=lambda one: list(map(str, one.path))
    ):
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        found.append(
            _problem(pointer, "schema", error.message[:300], f"格式不符：{error.message[:300]}")
        )
    return found


def _has_float(value: Any, pointer: str = "") -> Iterator[str]:
    if isinstance(value, float):
        yield pointer
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _has_float(item, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _has_float(item, f"{pointer}/{index}")


def _of_line(line: Mapping[str, Any], where: str) -> Iterator[TermsProblem]:
    mechanic = line["mechanic"]
    if mechanic in _USES_BASIS:
        if "basis" not in line:
            yield _problem(
                where, "basis_needed", f"{mechanic} needs a basis", f"{mechanic} 须有计算基数"
            )
        elif line["basis"] is not None and line["basis"] not in BASES:
            yield _problem(
                f"{where}/basis",
                "unknown_basis",
                f"{line['basis']} is no known basis",
                f"未知的计算基数 {line['basis']}",
            )
    for key in ("rate", "interest_share", "rate_points"):
        if line.get(key) is not None and fraction_of(line[key]) > 1:
            yield _problem(
                f"{where}/{key}", "rate_above_one", "a rate above 100 %", "比例超过 100%"
            )
    if mechanic.startswith("tiers") and "tiers" not in line:
        yield _problem(where, "tiers_needed", "tiers are needed", "须列出分档")
    for index, kind in tier_problems(line.get("tiers") or ()):
        words = {
            "overlap": ("tiers overlap", "分档重叠"),
            "gap": ("a gap between tiers", "分档有空档"),
            "empty": ("the tier is empty", "分档为空"),
        }[kind]
        yield _problem(f"{where}/tiers/{index}/from_fen", f"tiers_{kind}", *words)
    for index, tier in enumerate(line.get("tiers") or ()):
        if tier["rate"] is not None and fraction_of(tier["rate"]) > 1:
            yield _problem(
                f"{where}/tiers/{index}/rate",
                "rate_above_one",
                "a rate above 100 %",
                "比例超过 100%",
            )
    for name, complaint in when_problems(line.get("when", {})):
        yield _problem(
            f"{where}/when/{name}", "when", f"{name}: {complaint}", f"{name}：{complaint}"
        )
    if "pro_rata" in line and line["pro_rata"]["from"] > line["pro_rata"]["through"]:
        yield _problem(
            f"{where}/pro_rata/through",
            "period_backwards",
            "the period ends before it begins",
            "期间结束早于开始",
        )
    cap, quantum = line.get("cap_fen"), line.get("quantum_fen", 1)
    if cap is not None and cap < quantum:
        yield _problem(
            f"{where}/cap_fen",
            "cap_below_quantum",
            "the cap is below the rounding unit",
            "上限低于取整单位",
        )
    if cap is not None and line.get("amount_fen") is not None and cap < line["amount_fen"]:
        yield _problem(
            f"{where}/cap_fen",
            "cap_below_amount",
            "the cap is below the sum itself",
            "上限低于定额",
        )


def _of_caps(document: Mapping[str, Any]) -> Iterator[TermsProblem]:
    least = document.get("minimums", {}).get("award_fen")
    seen: set[str] = set()
    for index, cap in enumerate(document.get("caps", ())):
        where = f"/caps/{index}"
        if cap["id"] in seen:
            yield _problem(
                f"{where}/id", "duplicate", f"cap {cap['id']} twice", f"上限 {cap['id']} 重复"
            )
        seen.add(cap["id"])
        if cap["per"] == "rolling_months" and "months" not in cap:
            yield _problem(
                f"{where}/months",
                "months_needed",
                "a rolling window needs its months",
                "滚动期须写明月数",
            )
        if least is not None and cap["amount_fen"] is not None and cap["amount_fen"] < least:
            yield _problem(
                f"{where}/amount_fen",
                "cap_below_minimum",
                "the cap is below the smallest award",
                "上限低于最低核发额",
            )
    for index, line in enumerate(document["benefit"]["lines"] or ()):
        if least is not None and line.get("cap_fen") is not None and line["cap_fen"] < least:
            yield _problem(
                f"/benefit/lines/{index}/cap_fen",
                "cap_below_minimum",
                "the cap is below the smallest award",
                "上限低于最低核发额",
            )


def _of_rest(document: Mapping[str, Any]) -> Iterator[TermsProblem]:
    seen: set[str] = set()
    for index, line in enumerate(document["benefit"]["lines"] or ()):
        where = f"/benefit/lines/{index}"
        if line["id"] in seen:
            yield _problem(
                f"{where}/id", "duplicate", f"line {line['id']} twice", f"条款 {line['id']} 重复"
            )
        seen.add(line["id"])
        yield from _of_line(line, where)
    for name, period in document.get("windows", {}).items():
        if isinstance(period, Mapping) and period.get("from", "") > period.get("through", "9"):
            yield _problem(
                f"/windows/{name}/through",
                "period_backwards",
                "the period ends before it begins",
                "期间结束早于开始",
            )
    compute = document.get("compute", {})
    for kind in set(compute.get("eligible", ())) & set(compute.get("excluded", ())):
        yield _problem(
            "/compute/excluded",
            "eligible_and_excluded",
            f"{kind} is eligible and excluded",
            f"{kind} 既列入又排除",
        )
    for index, minimum in enumerate(document.get("minimums", {}).get("spend", ())):
        if minimum["fact"] not in CATALOGUE:
            yield _problem(
                f"/minimums/spend/{index}/fact",
                "unknown_fact",
                f"{minimum['fact']} is no known fact",
                f"未知事实 {minimum['fact']}",
            )
    stacking = document.get("stacking", {})
    own = document["programme"]["id"]
    for key in ("excludes", "after"):
        if own in stacking.get(key, ()):
            yield _problem(
                f"/stacking/{key}", "stacking_cycle", "the programme names itself", "政策引用自身"
            )
    for other in set(stacking.get("excludes", ())) & set(stacking.get("after", ())):
        yield _problem(
            "/stacking/after",
            "stacking_contradiction",
            f"{other} is excluded and counted before",
            f"{other} 既互斥又先行计算",
        )
    co_funding = document.get("budget", {}).get("co_funding")
    if (
        co_funding
        and co_funding["ratio"]
        and len(co_funding["ratio"]) != len(co_funding["parties"])
    ):
        yield _problem(
            "/budget/co_funding/ratio",
            "ratio_length",
            "one share for each party",
            "出资比例与出资方数量不符",
        )


def validate_terms(document: Any) -> list[TermsProblem]:
    """Every problem of one document; empty when it may be loaded. Nulls are not problems."""
    found = [
        _problem(
            pointer,
            "float",
            "write numbers as integers or text, never as floats",
            "数字须为整数或文本，不得为浮点数",
        )
        for pointer in _has_float(document)
    ] + _of_shape(document)
    if found:
        return found
    return [*_of_caps(document), *_of_rest(document)]


def stacking_cycles(documents: Mapping[str, Mapping[str, Any]]) -> list[TermsProblem]:
    """Cycles in `stacking.after` across programmes: A after B after A has no order at all."""
    found: list[TermsProblem] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            ring = " → ".join((*path[path.index(name) :], name))
            found.append(
                _problem(
                    f"/{name}/stacking/after",
                    "stacking_cycle",
                    f"stacking cycle: {ring}",
                    f"叠加顺序成环：{ring}",
                )
            )
            return
        if name in done or name not in documents:
            return
        for other in documents[name].get("stacking", {}).get("after", ()):
            visit(other, (*path, name))
        done.add(name)

    for name in sorted(documents):
        visit(name, ())
    return found
