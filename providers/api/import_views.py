"""Pools in bulk over HTTP: upload, dry run, write, errors."""

import json

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import Actor, Invalid
from identity.authentication import actor_of
from providers import queries
from providers.actions.apply_import import apply_import
from providers.actions.check_import import check_import
from providers.actions.queue_import import queue_import
from providers.actions.upload_import import upload_import
from providers.api import import_shapes as shapes
from providers.api.views import AS, Reading, asked, provider_of
from providers.export import ERROR_COLUMNS, file_response, problem_lines
from providers.models import ImportFile, ImportRow

AT_ONCE_BYTES = 1_000_000  # about 10,000 rows; a worker reads and writes what is larger
AT_ONCE_ROWS = 10_000


def take_in(actor: Actor, filename: str, content: bytes) -> ImportFile:
    """Keep a file and, when it is small, check it at once."""
    now = timezone.now()
    file = upload_import(
        provider=provider_of(actor), filename=filename, content=content, actor=actor, at=now
    )
    if len(content) <= AT_ONCE_BYTES:
        file = check_import(file=file, actor=actor, at=now)
    return file


def write(file: ImportFile, actor: Actor) -> ImportFile:
    """Write a checked file at once, or leave a large one to a worker."""
    now = timezone.now()
    if (file.rows_total or 0) > AT_ONCE_ROWS:
        return queue_import(file=file, actor=actor, at=now)
    return apply_import(file=file, actor=actor, at=now)


class ImportViewSet(Reading):
    """Files of pools: every row's fate is told before anything is written."""

    queryset = ImportFile.objects.none()
    serializer_class = shapes.ImportSerializer
    parser_classes = [MultiPartParser, JSONParser]
    filterset_fields = ["state", "provider"]

    def get_queryset(self) -> QuerySet[ImportFile]:
        return queries.visible_imports(actor_of(self.request))

    @extend_schema(
        request={
            "multipart/form-data": shapes.ImportRequest,
            "application/json": shapes.ImportRequest,
        },
        responses={201: shapes.ImportSerializer, 202: shapes.ImportSerializer},
    )
    def create(self, request: Request) -> Response:
        """Upload a file. 201: checked already; 202: a worker is checking it, see its progress."""
        body = asked(shapes.ImportRequest, request)
        if body.get("file") is not None:
            filename, content = body["file"].name, body["file"].read()
        elif "rows" in body:
            filename = "pools.json"
            content = json.dumps(body["rows"], ensure_ascii=False).encode()
        else:
            raise Invalid("file", "a file, or rows", "须上传文件或提供 rows")
        file = take_in(actor_of(request), filename, content)
        waits = file.state == ImportFile.State.UPLOADED
        return Response(
            shapes.ImportSerializer(file).data,
            status=status.HTTP_202_ACCEPTED if waits else status.HTTP_201_CREATED,
        )

    @extend_schema(request=None, responses=shapes.ImportSerializer)
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> Response:
        """Write every row, or none. A large file is queued for a worker."""
        file = write(self.get_object(), actor_of(request))
        return Response(shapes.ImportSerializer(file).data)

    @extend_schema(parameters=[AS], responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=True)
    def errors(self, request: Request, pk: str) -> HttpResponseBase:
        """The error file: row, column, value, reason."""
        file = self.get_object()
        kind = request.query_params.get("as", "csv")
        return file_response(kind, f"errors-{file.pk}", ERROR_COLUMNS, problem_lines(file))


class ImportRowViewSet(Reading):
    """Every row's fate; filter by `file` and `fate`."""

    queryset = ImportRow.objects.none()
    serializer_class = shapes.ImportRowSerializer
    filterset_fields = ["file", "fate", "number"]
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> QuerySet[ImportRow]:
        mine = queries.visible_imports(actor_of(self.request)).values("pk")
        return ImportRow.objects.filter(file__in=mine)
