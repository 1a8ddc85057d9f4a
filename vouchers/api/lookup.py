"""Find what a request names, and act on it at the request's instant."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from audit.decisions import Invalid, NotFound
from identity.authentication import actor_of
from identity.models import Organization

Row = TypeVar("Row", bound=Model)


def named(rows: QuerySet[Row], pk: Any, field: str) -> Row:
    """The row `pk`, or Invalid naming `field`: unknown and foreign look the same."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Invalid(field, "there is no such object", "没有这个对象")
    return row


def checked(shape: type[serializers.Serializer[None]], request: Request) -> dict[str, Any]:
    """The request's body, validated against `shape`. Raises DRF's ValidationError (422)."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def own_organization(request: Request) -> Organization:
    """The organization the request acts for."""
    organization = Organization.objects.filter(pk=actor_of(request).organization_id or 0).first()
    if organization is None:
        raise NotFound(thing="organization")
    return organization


def who_and_when(request: Request) -> dict[str, Any]:
    """The `actor` and `at` of every action."""
    return {"actor": actor_of(request), "at": timezone.now()}
