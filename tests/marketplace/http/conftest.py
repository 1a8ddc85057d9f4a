"""Somebody with a key at the door."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from identity.models import Membership
from tests.factories import make_key, make_membership, make_organization


@dataclass(frozen=True)
class Caller:
    """A client that acts under one membership."""

    client: Client
    membership: Membership
    key: str

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers={"Authorization": self.key, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            data=json.dumps(body or {}),
            content_type="application/json",
            headers={
                "Authorization": self.key,
                **{k.replace("_", "-"): headers[k] for k in headers},
            },
        )


def make_caller(kind: str, *roles: str, organization: Any = None) -> Caller:
    membership = make_membership(organization or make_organization(kind), *roles)
    return Caller(Client(), membership, make_key(membership))


@pytest.fixture
def officer() -> Caller:
    return make_caller("government", "budget_officer", "finance_reviewer")


@pytest.fixture
def auditor() -> Caller:
    return make_caller("government", "auditor", "budget_officer")


@pytest.fixture
def enterprise() -> Caller:
    return make_caller("enterprise", "enterprise_applicant")


@pytest.fixture
def envelope_body() -> Callable[[str], dict[str, Any]]:
    def body(name: str = "vouchers") -> dict[str, Any]:
        return {"budget_year": 2026, "name": name, "programme_code": "demand"}

    return body
