"""Find what a request's body names, among what the actor may see."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from audit.decisions import Invalid

Row = TypeVar("Row", bound=Model)


def named(rows: QuerySet[Row], pk: int, field: str) -> Row:
    """The row `pk`, or Invalid naming `field`: unknown and foreign look the same."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Invalid(field, "there is no such object", "没有这个对象")
    return row


def checked(shape: type[serializers.Serializer[None]], request: Request) -> dict[str, object]:
    """The request's body, validated against `shape`. Raises DRF's ValidationError (422)."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
