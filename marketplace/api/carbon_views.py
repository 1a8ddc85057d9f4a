"""Carbon statements over HTTP."""

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.canonical import canonical_json
from audit.decisions import Actor, Invalid, NotPermitted
from identity.authentication import actor_of
from identity.models import Organization
from identity.policy import sees_everything
from identity.roles import Role
from marketplace.carbon_statement import CarbonLine, CarbonStatement, carbon_statement
from providers.export import file_response

COLUMNS = tuple(field.name for field in fields(CarbonLine))


class CarbonLineShape(serializers.Serializer[Any]):
    """One job; null = unknown. `basis`: pool_meter, platform_meter, estimated or unknown."""

    order_id = serializers.IntegerField(allow_null=True)
    workload = serializers.CharField()
    pool = serializers.CharField()
    facility = serializers.CharField()
    provider = serializers.CharField()
    adcode = serializers.CharField()
    ended_at = serializers.DateTimeField()
    accelerator_hours = serializers.DecimalField(18, 6)
    basis = serializers.CharField()
    it_kwh = serializers.DecimalField(18, 6, allow_null=True)
    pue = serializers.DecimalField(12, 6, allow_null=True)
    facility_kwh = serializers.DecimalField(18, 6, allow_null=True)
    cut_kwh = serializers.DecimalField(18, 6, allow_null=True)
    location_kg = serializers.DecimalField(18, 6, allow_null=True)
    location_factor = serializers.DecimalField(8, 5, allow_null=True)
    location_factor_of = serializers.CharField()
    retired_kwh = serializers.DecimalField(18, 6, allow_null=True)
    market_kg = serializers.DecimalField(18, 6, allow_null=True)
    market_factor = serializers.DecimalField(8, 5, allow_null=True)
    market_factor_of = serializers.CharField()
    operational_kg_per_hour = serializers.DecimalField(18, 6, allow_null=True)
    embodied_kg = serializers.DecimalField(18, 6, allow_null=True)
    sci_kg_per_hour = serializers.DecimalField(18, 6, allow_null=True)


class MethodShape(serializers.Serializer[Any]):
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class CarbonStatementShape(serializers.Serializer[Any]):
    """Both ledgers side by side; they are never added."""

    enterprise = serializers.IntegerField()
    enterprise_name = serializers.CharField()
    month = serializers.CharField()
    accelerator_hours = serializers.DecimalField(18, 6, allow_null=True)
    facility_kwh = serializers.DecimalField(18, 6, allow_null=True)
    location_based_kg = serializers.DecimalField(18, 6, allow_null=True)
    market_based_kg = serializers.DecimalField(18, 6, allow_null=True)
    unknown_lines = serializers.IntegerField()
    cut_lines = serializers.IntegerField()
    estimated_lines = serializers.IntegerField()
    factors_version = serializers.CharField()
    method = MethodShape(many=True)
    sha256 = serializers.CharField()
    lines = CarbonLineShape(many=True)


def month_asked(text: str | None) -> date:
    """YYYY-MM as its first day. Raises Invalid."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid("month", "must be YYYY-MM", "格式须为 YYYY-MM") from None


def enterprise_asked(actor: Actor, number: str | None) -> Organization:
    """One's own enterprise; any for an auditor who names it. Raises NotPermitted, Invalid."""
    if sees_everything(actor) and number:
        if not number.isdigit():
            raise Invalid("enterprise", "must be a number", "须为编号")
        return get_object_or_404(Organization, pk=int(number), kind="enterprise")
    if not actor.has(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER):
        raise NotPermitted(role="enterprise_applicant")
    assert actor.organization_id is not None  # a role is held for somebody
    return Organization.objects.get(pk=actor.organization_id)


def statement_lines(statement: CarbonStatement) -> Iterator[tuple[Any, ...]]:
    """The lines as a file's rows."""
    for line in statement.lines:
        yield tuple(
            value.isoformat() if hasattr(value, "isoformat") else value
            for value in (getattr(line, name) for name in COLUMNS)
        )


class CarbonStatementView(APIView):
    """An enterprise's month for its ESG report."""

    @extend_schema(
        parameters=[
            OpenApiParameter("month", OpenApiTypes.STR, required=True, description="YYYY-MM"),
            OpenApiParameter("enterprise", OpenApiTypes.INT, description="for auditors"),
            OpenApiParameter("as", OpenApiTypes.STR, enum=["json", "csv", "xlsx"]),
        ],
        responses=CarbonStatementShape,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Both ledgers with method, factors and sources; `as=csv` for the lines alone."""
        asked = request.query_params
        enterprise = enterprise_asked(actor_of(request), asked.get("enterprise"))
        month = month_asked(asked.get("month"))
        statement = carbon_statement(enterprise, month=month, at=timezone.now())
        kind = asked.get("as", "json")
        if kind == "json":
            return Response(_plain(statement))
        name = f"carbon-{month:%Y-%m}"
        return file_response(kind, name, COLUMNS, statement_lines(statement))


def _plain(statement: CarbonStatement) -> Any:
    return json.loads(canonical_json(statement.as_dict()))
