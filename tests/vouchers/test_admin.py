"""Officers look at the office in the back office, in both languages; nobody edits there."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from identity.models import User
from tests.vouchers.office import make_office, make_voucher, reserve
from vouchers import models

pytestmark = pytest.mark.django_db
SHOWN = [getattr(models, name) for name in models.__all__]


@pytest.fixture
def officer() -> Client:
    voucher, holder = make_voucher(make_office())
    reserve(voucher, holder, 1_00)
    client = Client()
    client.force_login(User.objects.create_superuser("officer", password="a long test password"))
    return client


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_list_opens(officer: Client, language: str) -> None:
    for model in SHOWN:
        address = reverse(f"admin:vouchers_{model._meta.model_name}_changelist")
        response = officer.get(address, headers={"accept-language": language})
        assert response.status_code == 200, model
        assert response.headers["content-language"] == language


def test_every_row_opens_and_none_can_be_changed(officer: Client) -> None:
    for model in SHOWN:
        name = f"admin:vouchers_{model._meta.model_name}"
        assert officer.get(reverse(f"{name}_add")).status_code == 403
        row = model._default_manager.first()
        if row is None:
            continue
        address = reverse(f"{name}_change", args=[row.pk])
        assert officer.get(address).status_code == 200
        assert officer.post(address, {"state": "approved"}).status_code == 403
        delete = reverse(f"{name}_delete", args=[row.pk])
        assert officer.post(delete, {"post": "yes"}).status_code == 403


def test_every_model_is_shown() -> None:
    assert all(admin.site.is_registered(model) for model in SHOWN)
