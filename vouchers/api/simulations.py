"""Test cases, simulations and questions to every programme over HTTP."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import Invalid, Refusal
from identity.authentication import actor_of
from identity.permissions import has_role
from identity.policy import sees_everything
from ledger.money import LARGEST_FEN
from vouchers import policy
from vouchers.actions.ask_every_programme import ask_every_programme
from vouchers.actions.simulate_version import simulate_version, write_test_case
from vouchers.api.live import told_live
from vouchers.api.lookup import checked, named, own_organization, who_and_when
from vouchers.models import CombinedAnswer, RuleTestCase, SimulationRun

Trying = has_role(*policy.DRAFTERS, *policy.APPROVERS)
LARGEST_FILE = 64_000_000


class RuleTestCaseRequest(serializers.Serializer[None]):
    """A worked example: these facts, at that instant, give that amount (0: nothing)."""

    policy_version = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    facts = serializers.DictField()
    asked_at = serializers.DateTimeField()
    expected_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)


class RuleTestCaseSerializer(serializers.ModelSerializer[RuleTestCase]):
    passes = serializers.BooleanField(read_only=True)

    class Meta:
        model = RuleTestCase
        fields = ["id", "version", "name", "facts", "asked_at", "expected_fen", "computed_fen"]
        fields += ["passes"]


class SimulationRequest(serializers.Serializer[None]):
    """A CSV file's text, a file (CSV or Parquet, as multipart/form-data), or a period of recorded
    applications and claims: one of the three."""

    policy_version = serializers.IntegerField()
    data_set = serializers.CharField(max_length=200)
    csv_text = serializers.CharField(max_length=20_000_000, required=False)
    file = serializers.FileField(required=False)
    first_day = serializers.DateField(required=False)
    day_after_last = serializers.DateField(required=False)


class SimulationRunSerializer(serializers.ModelSerializer[SimulationRun]):
    report = serializers.DictField(read_only=True)

    class Meta:
        model = SimulationRun
        fields = ["id", "version", "compared_to", "data_set", "source", "data_digest", "claims"]
        fields += ["cost_fen", "report", "run_at"]


class CombinedQuestionRequest(serializers.Serializer[None]):
    """What the enterprise plans; the same facts for every programme."""

    facts = serializers.DictField()


class CombinedAnswerSerializer(serializers.ModelSerializer[CombinedAnswer]):
    inputs = serializers.DictField(read_only=True)
    answer = serializers.DictField(read_only=True)

    class Meta:
        model = CombinedAnswer
        fields = ["id", "enterprise", "asked_at", "best_fen", "digest", "inputs", "answer"]

    def to_representation(self, answer: CombinedAnswer) -> dict[str, Any]:
        read: Any = answer
        if isinstance(answer.answer, str):
            read.inputs, read.answer = json.loads(answer.inputs), json.loads(answer.answer)
        return super().to_representation(read)


def _read(file: UploadedFile) -> dict[str, Any]:
    """A file by what it begins with, not by its name. Raises Invalid for one that is too large or
    no text in UTF-8."""
    if (file.size or 0) > LARGEST_FILE:
        raise Invalid("file", f"at most {LARGEST_FILE} bytes", f"不超过 {LARGEST_FILE} 字节")
    data = file.read()
    if data.startswith(b"PAR1"):
        return {"parquet": data}
    try:
        return {"csv_text": data.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise Invalid(
            "file", "neither Parquet nor UTF-8", "既非 Parquet 也非 UTF-8 文本"
        ) from error


class RuleTestCaseViewSet(viewsets.ReadOnlyModelViewSet[RuleTestCase]):
    """Worked examples of a version; they must pass before it replaces another."""

    queryset = RuleTestCase.objects.none()
    serializer_class = RuleTestCaseSerializer
    permission_classes = [Trying]
    filterset_fields = ["version"]

    def get_queryset(self) -> QuerySet[RuleTestCase]:
        versions = policy.versions_on_trial(actor_of(self.request))
        return RuleTestCase.objects.filter(version__in=versions).order_by("pk")

    @extend_schema(request=RuleTestCaseRequest, responses={201: RuleTestCaseSerializer})
    def create(self, request: Request) -> Response:
        """Write a worked example; the terms compute it at once."""
        body = checked(RuleTestCaseRequest, request)
        versions = policy.versions_on_trial(actor_of(request))
        version = named(versions, body.pop("policy_version"), "policy_version")
        case = write_test_case(version=version, **body, **who_and_when(request))
        return Response(self.get_serializer(case).data, status=status.HTTP_201_CREATED)


class SimulationRunViewSet(viewsets.ReadOnlyModelViewSet[SimulationRun]):
    """Runs of a draft over many claims, kept for its approvers."""

    queryset = SimulationRun.objects.none()
    serializer_class = SimulationRunSerializer
    parser_classes = [JSONParser, MultiPartParser]
    permission_classes = [Trying]
    filterset_fields = ["version"]

    def get_queryset(self) -> QuerySet[SimulationRun]:
        versions = policy.versions_on_trial(actor_of(self.request))
        return SimulationRun.objects.filter(version__in=versions).order_by("-pk")

    @extend_schema(request=SimulationRequest, responses={201: SimulationRunSerializer})
    def create(self, request: Request) -> Response:
        """Run a draft over a data set, against the terms in force."""
        run = simulate_version(**self._asked(request))
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    def _asked(self, request: Request) -> dict[str, Any]:
        """What simulate_version takes, from the body."""
        body = checked(SimulationRequest, request)
        versions = policy.versions_on_trial(actor_of(request))
        version = named(versions, body.pop("policy_version"), "policy_version")
        first, after = body.pop("first_day", None), body.pop("day_after_last", None)
        period = (first, after) if first and after else None
        if file := body.pop("file", None):
            body |= _read(file)
        return {"version": version, "period": period, **body, **who_and_when(request)}

    @extend_schema(
        request=SimulationRequest, responses={(200, "application/x-ndjson"): OpenApiTypes.STR}
    )
    @action(detail=False, methods=["post"])
    def live(self, request: Request) -> StreamingHttpResponse:
        """As create, telling how far it is: a line {"percent": n} now and then, and last the run
        ({"run": …}) or what was wrong ({"problem": …})."""
        asked = self._asked(request)

        def run(tell: Callable[[int], None]) -> dict[str, Any]:
            try:
                return {"run": simulate_version(**asked, progress=tell).pk}
            except Refusal as refusal:
                return {
                    "problem": {f"text_{lang}": refusal.sentence(lang) for lang in ("en", "zh")}
                }

        lines = told_live(run)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson; charset=utf-8")

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: str) -> HttpResponse:
        """The report's tables as one CSV file: table, key, value, unit."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["table", "key", "value", "unit"])
        report = self.get_object().report
        writer.writerow(["cost", "all", report["cost_fen"], "fen"])
        for table in ("cost_by_month", "by_size", "by_district"):
            for key, fen in (report[table] or {}).items():
                writer.writerow([table, key, fen, "fen"])
        against = report["against_current"] or {}
        for moved in (*against.get("lose_most", ()), *against.get("win_most", ())):
            writer.writerow(["change", moved["enterprise"], moved["change_fen"], "fen"])
        for cliff in report["cliffs"]:
            writer.writerow(["cliff below", cliff["pointer"], cliff["below"], "claims"])
            writer.writerow(["cliff above", cliff["pointer"], cliff["above"], "claims"])
        for turned in report["sensitivity"] or ():
            writer.writerow(["tenth less", turned["pointer"], turned["tenth_less_fen"], "fen"])
            writer.writerow(["tenth more", turned["pointer"], turned["tenth_more_fen"], "fen"])
        return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")


class CombinedAnswerViewSet(viewsets.ReadOnlyModelViewSet[CombinedAnswer]):
    """Every programme asked at once: the best legal combination, its runner-up, every reason."""

    queryset = CombinedAnswer.objects.none()
    serializer_class = CombinedAnswerSerializer
    permission_classes = [has_role(*policy.APPLICANTS)]

    def get_queryset(self) -> QuerySet[CombinedAnswer]:
        actor = actor_of(self.request)
        rows = CombinedAnswer.objects.order_by("-pk")
        return rows if sees_everything(actor) else rows.filter(enterprise=actor.organization_id)

    @extend_schema(request=CombinedQuestionRequest, responses={201: CombinedAnswerSerializer})
    def create(self, request: Request) -> Response:
        """What is my organization entitled to across all programmes, and what goes together?"""
        answer = ask_every_programme(
            enterprise=own_organization(request),
            **checked(CombinedQuestionRequest, request),
            **who_and_when(request),
        )
        return Response(self.get_serializer(answer).data, status=status.HTTP_201_CREATED)
