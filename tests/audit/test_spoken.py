"""A refusal in Chinese is Chinese, whatever code it names, and its instants are Shanghai's."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.utils.translation import override

from audit.decisions import NotFound, NotPermitted, StaleState
from audit.spoken import CODES, in_chinese
from identity.roles import Role
from vouchers.refusals import NoticeStillRuns

ROOMS = (
    *("audit", "identity", "ledger", "treasury"),
    *("providers", "vouchers", "scheduling", "marketplace"),
)
LATIN = re.compile(r"[A-Za-z]")


def literals() -> Iterator[tuple[str, str]]:
    """What refusals of the code say under a fact that is a code, where it is written out."""
    for room in ROOMS:
        for path in sorted((Path(settings.BASE_DIR) / room).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(call, "func", None)
                if isinstance(name, ast.Name) and name.id in (
                    "StaleState",
                    "NotFound",
                    "NameTaken",
                    "NotPermitted",
                ):
                    for given in call.keywords:
                        for each in ast.walk(given.value) if given.arg in CODES else ():
                            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                                yield f"{path.name}: {given.arg}", each.value


def test_every_word_a_refusal_spells_out_has_its_chinese() -> None:
    said = list(literals())
    assert len(said) > 150
    assert [each for each in said if LATIN.search(in_chinese(each[1]))] == []


def test_every_state_and_thing_of_a_machine_has_its_chinese() -> None:
    machines = [model for model in apps.get_models() if hasattr(model, "MOVES")]
    assert len(machines) > 15
    words = {machine._meta.verbose_name_raw for machine in machines}
    words |= {state for machine in machines for move in machine.MOVES for state in move}
    assert [word for word in sorted(words) if LATIN.search(in_chinese(word))] == []


@pytest.mark.parametrize("role", list(Role))
def test_every_role_is_called_as_the_office_calls_it(role: Role) -> None:
    with override("zh-hans"):
        assert in_chinese(role) == str(role.label)


def test_sentences_name_things_states_and_roles_in_the_readers_language() -> None:
    stale = StaleState(thing="subsidy award", current="half_approved", needed="approved / paid")
    assert stale.sentence("zh-hans") == "该奖补当前状态为“一人已批准”，此操作需要“已批准或已支付”。"
    assert stale.sentence("en") == (
        "The subsidy award is half_approved; this needs approved / paid."
    )
    assert NotFound(thing="claim window").sentence("zh") == "没有这个领券窗口。"
    refused = NotPermitted(role="reviewer / finance_reviewer")
    assert refused.sentence("zh") == "此操作需要角色：审核人员或财政审核人员。"
    assert stale.facts["current"] == "half_approved"  # a program reads the code


def test_an_instant_is_told_by_the_clock_of_shanghai() -> None:
    refused = NoticeStillRuns(until="2026-11-30T16:00:00+00:00")
    assert refused.sentence("zh") == "公示期至 2026-12-01 00:00 结束。"
    assert refused.sentence("en") == "The public notice runs until 2026-12-01 00:00 (Shanghai)."
    assert refused.facts["until"] == "2026-11-30T16:00:00+00:00"
