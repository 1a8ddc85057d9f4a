"""What the written API promises on every page."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

WRITES = ("post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def operations(schema: dict[str, Any], *methods: str) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if method in methods
    }


def test_every_write_takes_an_idempotency_key(schema):
    writes = operations(schema, *WRITES)
    assert len(writes) > 30
    without = [
        name
        for name, operation in writes.items()
        if "Idempotency-Key" not in [each["name"] for each in operation.get("parameters", [])]
    ]
    signed_doors = [name for name in without if "callbacks" in name or "webhooks" in name]
    assert sorted(set(without) - set(signed_doors)) == []


def test_every_operation_may_answer_with_a_problem(schema):
    assert "Problem" in schema["components"]["schemas"]
    without = [
        name
        for name, operation in operations(schema, "get", *WRITES).items()
        if "application/problem+json" not in str(operation["responses"])
    ]
    assert without == []


def test_every_operation_has_a_name_of_its_own(schema):
    names = [each["operationId"] for each in operations(schema, "get", *WRITES).values()]
    assert len(names) == len(set(names))


def test_money_is_an_integer_wherever_it_is_named(schema):
    wrong = [
        f"{shape}.{field}: {definition}"
        for shape, body in schema["components"]["schemas"].items()
        for field, definition in body.get("properties", {}).items()
        if field.endswith("_fen") and "integer" not in str(definition)
    ]
    assert wrong == []
