"""The page on which an officer writes terms."""

import json
import re

import pytest
from django.test import Client

from tests.marketplace.http.conftest import make_caller
from tests.vouchers.office import make_office, make_programme
from vouchers.rules.facts import CATALOGUE

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


def test_another_officer_may_read_but_not_save():
    page = page_for(make_caller("government", "reviewer"))
    assert 'id="save"' not in page
    assert 'id="text"' in page


def test_an_enterprise_does_not_see_it():
    client = Client()
    client.force_login(make_caller("enterprise", "enterprise_applicant").membership.user)
    assert client.get("/officer/terms").status_code == 403
