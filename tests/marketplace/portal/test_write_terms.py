"""The page on which an officer writes terms."""

import json
import re

import pytest
from django.test import Client

from marketplace.portal.term_words import MORE_WORDS
from marketplace.portal.write_terms import _choices
from tests.marketplace.http.conftest import make_caller
from tests.vouchers.office import make_office, make_programme
from vouchers.presets import load_presets
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.parameter_words import PARAMETER_WORDS

pytestmark = pytest.mark.django_db


def page_for(caller, language: str = "en") -> str:
    client = Client()
    client.force_login(caller.membership.user)
    client.cookies["django_language"] = language
    answer = client.get("/officer/terms")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_drafter_gets_the_form_and_their_own_programmes_only(language):
    office, other = make_office(), make_office()
    mine, theirs = make_programme(office), make_programme(other)
    caller = make_caller("government", "policy_drafter", organization=office.organization)
    page = page_for(caller, language)
    assert f"({mine.code})" in page
    assert f"({theirs.code})" not in page
    found = re.search(r'<script id="form" type="application/json">(.*?)</script>', page)
    form = json.loads(found[1])
    assert "natural_year" in form["choices"]["per"]
    assert set(CATALOGUE) <= set(form["words"])
    assert ("补贴比例" in form["words"].values()) is (language == "zh-hans")


def test_every_choice_and_every_key_of_the_presets_has_a_word():
    words = {**CATALOGUE, **PARAMETER_WORDS, **MORE_WORDS}
    choices = {str(each).lower() for codes in _choices().values() for each in codes}
    shown = {
        key
        for preset in load_presets().values()
        if preset.terms
        for section in SECTIONS
        for key in keys_of(preset.terms.document.get(section))
    }
    assert (choices | shown | set(SECTIONS)) - words.keys() == set()


SECTIONS = ("benefit", "caps", "minimums", "windows", "payment", "green", "budget")


def keys_of(node) -> set[str]:
    """The keys the form makes labels of."""
    if isinstance(node, list):
        return {key for each in node for key in keys_of(each)}
    if not isinstance(node, dict):
        return set()
    inner = {key: value for key, value in node.items() if key not in ("id", "text_zh", "text_en")}
    named = {key for key in inner if key != "when"}
    return named | {key for value in inner.values() for key in keys_of(value)}


def test_another_officer_may_read_but_not_save():
    page = page_for(make_caller("government", "reviewer"))
    assert 'id="save"' not in page
    assert 'id="text"' in page


def test_an_enterprise_does_not_see_it():
    client = Client()
    client.force_login(make_caller("enterprise", "enterprise_applicant").membership.user)
    assert client.get("/officer/terms").status_code == 403
