"""The books to take home, over HTTP."""

from datetime import date, datetime, time
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.decisions import Invalid, NotPermitted
from audit.seal import seal_events
from identity.authentication import actor_of
from identity.permissions import IsActor
from identity.roles import Role
from marketplace.export_bundle import stream_bundle


class BundlePeriod(serializers.Serializer[Any]):
    """Civil days in Shanghai: the first, and the day after the last."""

    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


class ExportBundleView(APIView):
    """Chain, tables as CSV and Parquet, schema, manifest and its signature, in one ZIP."""

    permission_classes = [IsActor]

    @extend_schema(
        parameters=[
            OpenApiParameter("since", OpenApiTypes.DATE, description="first day"),
            OpenApiParameter("until", OpenApiTypes.DATE, description="the day after the last"),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Given out while it is made, from one snapshot; for auditors. See docs/verify_chain.py."""
        if not actor_of(request).has(Role.AUDITOR):
            raise NotPermitted(role=Role.AUDITOR)
        asked = BundlePeriod(data=request.query_params)
        asked.is_valid(raise_exception=True)
        since, until = (_midnight(asked.validated_data.get(end)) for end in ("since", "until"))
        if since and until and since >= until:
            raise Invalid("until", "until is after since", "截止日须晚于起始日")
        seal_events()
        response = StreamingHttpResponse(
            stream_bundle(since=since, until=until), content_type="application/zip"
        )
        response["Content-Disposition"] = 'attachment; filename="suanquan-books.zip"'
        return response


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else timezone.make_aware(datetime.combine(day, time.min))
