"""Officers look at every list in both languages and edit none."""

import pytest
from django.contrib import admin
from django.urls import reverse

from identity.actions.let_into_back_office import let_into_back_office
from identity.models import User
from tests.marketplace.orders import charged, make_buyer

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    user = User.objects.create_user("officer", password="a long test password")
    let_into_back_office(user=user)
    client.force_login(user)
    return client


def lists():
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_list_opens_in_both_languages(officer, language):
    officer.cookies["django_language"] = language
    broken = [url for url in lists() if officer.get(url).status_code != 200]
    assert not broken
    assert len(lists()) > 30


def test_nothing_can_be_added_by_who_only_looks(officer):
    adding = [url for url in lists() if officer.get(f"{url}add/").status_code == 200]
    assert not adding


def test_a_stranger_is_sent_to_log_in(client):
    assert client.get(reverse("admin:index")).status_code == 302


def test_money_is_shown_in_yuan_and_sorted_as_money(officer):
    payment = charged(make_buyer()).payment
    page = officer.get(reverse("admin:marketplace_payment_changelist") + "?o=3").content.decode()
    assert f"¥{payment.amount_fen // 100}.00" in page
