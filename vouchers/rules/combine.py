"""Several lines into one amount: the highest, the sum, or the first that applies.

The order in which lines are written never changes a highest or a sum. A line whose facts are not
given is left out with a note when that can only lower the amount; where it could raise a question
(`first_that_applies`, and the earlier line would give less) the decision stays incomplete.
"""

from collections.abc import Sequence
from dataclasses import replace

from vouchers.rules.lines import LineAnswer, names_of, words_of
from vouchers.rules.worksheet import Worksheet


def where_of(answer: LineAnswer) -> str:
    """The line's pointer relative to /benefit."""
    return answer.sheet.pointer.removeprefix("/benefit")


def _left_out(answer: LineAnswer, sheet: Worksheet) -> None:
    text_en, text_zh = words_of(answer.line)
    facts_en, facts_zh = names_of(answer.hinges_on)
    sheet.reason(
        "note",
        "line_not_considered",
        f"“{text_en}” was not considered: {facts_en} not given",
        f"未考虑“{text_zh}”：未提供{facts_zh}",
        at=where_of(answer),
        fact=answer.hinges_on[0],
    )


def _not_applying(answer: LineAnswer, sheet: Worksheet) -> None:
    text_en, text_zh = words_of(answer.line)
    facts_en, facts_zh = names_of(answer.hinges_on)
    sheet.reason(
        "note",
        "line_does_not_apply",
        f"“{text_en}” does not apply: {facts_en}",
        f"“{text_zh}”不适用：{facts_zh}",
        at=where_of(answer),
        fact=answer.hinges_on[0],
    )


def _take(answer: LineAnswer, sheet: Worksheet) -> None:
    text_en, text_zh = words_of(answer.line)
    sheet.reason(
        "met", "line_applies", f"“{text_en}” applies", f"“{text_zh}”适用", at=where_of(answer)
    )
    sheet.absorb(answer.sheet)


def _nothing_applies(answers: Sequence[LineAnswer], sheet: Worksheet) -> int | None:
    open_facts = tuple(
        sorted(
            {
                fact
                for answer in answers
                if answer.applies in ("unknown", "unclaimed")
                for fact in answer.hinges_on
            }
        )
    )
    if open_facts:
        facts_en, facts_zh = names_of(open_facts)
        for fact in open_facts:
            sheet.reason(
                "unknown",
                "fact_missing",
                f"give one of: {facts_en}",
                f"请提供其中之一：{facts_zh}",
                at="/lines",
                fact=fact,
            )
        return None
    sheet.reason(
        "unmet", "no_line_applies", "no benefit line applies", "没有适用的补贴条款", at="/lines"
    )
    return 0


def combine(how: str, answers: Sequence[LineAnswer], sheet: Worksheet) -> int | None:
    """The joined amount in fen; reasons and steps of the lines taken go onto `sheet`."""
    answers = (
        sorted(answers, key=lambda one: one.line["id"]) if how != "first_that_applies" else answers
    )
    applying = [answer for answer in answers if answer.applies == "met"]
    for answer in answers:
        if answer.applies == "unmet":
            _not_applying(answer, sheet)
    if not applying:
        return _nothing_applies(answers, sheet)
    if how == "first_that_applies":
        first = applying[0]
        for answer in answers[: list(answers).index(first)]:
            if answer.applies == "unmet":
                continue
            lower = (
                answer.amount_fen is not None
                and first.amount_fen is not None
                and answer.amount_fen < first.amount_fen
            )
            if answer.applies == "unknown" and lower:
                facts_en, facts_zh = names_of(answer.hinges_on)
                sheet.reason(
                    "unknown",
                    "fact_missing",
                    f"an earlier line hangs on: {facts_en}",
                    f"前一条款取决于：{facts_zh}",
                    at="/lines",
                    fact=answer.hinges_on[0],
                )
            else:
                _left_out(answer, sheet)
        _take(first, sheet)
        return first.amount_fen
    for answer in answers:
        if answer.applies in ("unknown", "unclaimed"):
            _left_out(answer, sheet)
    if how == "sum_of":
        return _sum(applying, sheet)
    return _highest(applying, sheet)


def _sum(applying: Sequence[LineAnswer], sheet: Worksheet) -> int | None:
    """All lines whose own gates hold; one that fails is left out unless every one does."""
    usable = [answer for answer in applying if not answer.refused]
    for answer in usable or applying:
        _take(answer, sheet)
    if usable:
        for answer in applying:
            if answer.refused:
                sheet.reasons += [replace(reason, status="note") for reason in answer.sheet.reasons]
    if any(answer.amount_fen is None for answer in usable):
        return None
    return sum(answer.amount_fen or 0 for answer in usable)


def _highest(applying: Sequence[LineAnswer], sheet: Worksheet) -> int | None:
    """The best line that is not refused; an applying line without a figure leaves it open."""
    usable = [answer for answer in applying if not answer.refused]
    open_lines = [answer for answer in usable if answer.amount_fen is None]
    known = [answer for answer in usable if answer.amount_fen is not None]
    if not usable:
        for answer in applying:
            _take(answer, sheet)
        return 0
    for answer in open_lines:
        sheet.reasons += answer.sheet.reasons
    if not known:
        return None
    best = max(known, key=lambda one: one.amount_fen or 0)
    if len(known) > 1:
        for answer in known:
            if answer is not best:  # what was not chosen stays on the record, under its own name
                own = [
                    replace(one, name=f"{answer.line['id']}/{one.name}")
                    for one in answer.sheet.steps
                ]
                sheet.steps += own
            text_en, text_zh = words_of(answer.line)
            sheet.money(f"line_{answer.line['id']}", answer.amount_fen or 0, text_en, text_zh)
    for answer in known:  # what is given in kind comes on top: it is never money
        if answer is not best and answer.sheet.in_kind:
            sheet.in_kind += answer.sheet.in_kind
    _take(best, sheet)
    return best.amount_fen
