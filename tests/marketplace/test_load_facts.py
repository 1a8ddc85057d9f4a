"""The facts load again without a change."""

import pytest
from django.core.management import call_command

from providers.models import AcceleratorModel, GridFactor, HubArea
from scheduling.models import Platform
from vouchers.models import Preset

pytestmark = pytest.mark.django_db


def counts() -> dict[str, int]:
    models = (Platform, HubArea, GridFactor, AcceleratorModel, Preset)
    return {model.__name__: model.objects.count() for model in models}


def test_loading_again_changes_nothing():
    call_command("load_facts", verbosity=0)
    first = counts()
    assert (first["Platform"], first["HubArea"]) == (16, 21)
    assert first["Preset"] > 0
    call_command("load_facts", verbosity=0)
    assert counts() == first
