"""Plausibility cases over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.permissions import IsActor, has_role
from identity.roles import Role
from providers import queries
from providers.actions.answer_case import answer_case
from providers.actions.decide_case import decide_case
from providers.api.views import Reading, asked
from providers.models import PlausibilityCase

DOORS = has_role(Role.PROVIDER_ADMIN, Role.FRAUD_ANALYST)


class CaseSerializer(serializers.ModelSerializer[PlausibilityCase]):
    """A suspicion with its numbers. It changes nothing by itself."""

    starts_at = serializers.DateTimeField(source="period.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="period.upper", read_only=True)
    numbers = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = PlausibilityCase
        exclude = ["period"]


class CaseAnswerRequest(serializers.Serializer[Any]):
    answer = serializers.CharField(max_length=5000)


class CaseDecisionRequest(serializers.Serializer[Any]):
    confirmed = serializers.BooleanField()
    reason = serializers.CharField(max_length=5000)


class CaseViewSet(Reading):
    """Suspicions about hours, energy and listings: raised by checks, decided by people."""

    queryset = PlausibilityCase.objects.none()
    serializer_class = CaseSerializer
    filterset_fields = ["check_name", "state", "provider", "facility", "pool"]

    def get_queryset(self) -> QuerySet[PlausibilityCase]:
        return queries.visible_cases(actor_of(self.request))

    def get_permissions(self) -> list[Any]:
        return [DOORS()] if self.request.method == "POST" else [IsActor()]

    @extend_schema(request=CaseAnswerRequest, responses=CaseSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """The provider explains."""
        return self._moved(answer_case, CaseAnswerRequest, request)

    @extend_schema(request=CaseDecisionRequest, responses=CaseSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """A fraud analyst decides, with a reason."""
        return self._moved(decide_case, CaseDecisionRequest, request)

    def _moved(self, act: Any, shape: Any, request: Request) -> Response:
        body = asked(shape, request)
        case = act(case=self.get_object(), **body, actor=actor_of(request), at=timezone.now())
        return Response(CaseSerializer(case).data)
