"""What a fact may be is told in words, and only that fact's codes are."""

from tests.factories import NOW
from tests.vouchers.rules.sheets import WAN, document, rate_line
from vouchers.refusals import NotEntitled
from vouchers.rules import Terms, evaluate
from vouchers.rules.choice_words import CHOICES_ZH, in_words
from vouchers.rules.facts import CATALOGUE


def test_every_choice_of_every_fact_has_its_chinese() -> None:
    choices = {name: set(fact.choices) for name, fact in CATALOGUE.items() if fact.choices}
    assert {name: set(words) for name, words in CHOICES_ZH.items()} == choices


def test_a_reason_is_shown_in_words() -> None:
    assert in_words("算力类型：intelligent", "compute_kind") == "算力类型：智能算力"
    told = in_words("企业规模须为micro、small；实为 large", "size")
    assert told == "企业规模须为微型、小型；实为大型"


def test_names_of_facts_and_other_codes_are_left_alone() -> None:
    asked = "请提供其中之一：rate_bracket（核定档次）、model_service"
    assert in_words(asked, "voucher_kind") == asked
    assert in_words("实为 large", None) == "实为 large"


def test_a_refusal_by_the_terms_says_them_in_words() -> None:
    terms = Terms.load(document(rate_line("0.2"), applicants={"sizes": ["micro", "small"]}))
    asked = {"contract_amount_fen": 10 * WAN, "size": "large"}
    refused = NotEntitled(evaluate(terms, asked, at=NOW))
    assert refused.sentence("zh") == "不符合条件：企业规模须为微型、小型；实为大型"
    (reason,) = refused.reasons()
    assert reason.text_zh == "企业规模须为微型、小型；实为大型"
