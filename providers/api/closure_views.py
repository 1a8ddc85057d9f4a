"""Closures over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from providers import queries
from providers.actions.close_pool import close_pool
from providers.actions.lift_closure import lift_closure
from providers.api.views import Reading, asked
from providers.models import Closure


class ClosureRequest(serializers.Serializer[Any]):
    pool = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Closure.Kind.choices)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class ClosureSerializer(serializers.ModelSerializer[Closure]):
    starts_at = serializers.DateTimeField(source="period.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="period.upper", read_only=True)

    class Meta:
        model = Closure
        fields = [
            "id",
            "pool",
            "kind",
            "starts_at",
            "ends_at",
            "reason",
            "declared_at",
            "lifted_at",
        ]


class ClosureViewSet(Reading):
    """Outages and maintenance of pools: what was to run there is placed again."""

    queryset = Closure.objects.none()
    serializer_class = ClosureSerializer
    filterset_fields = ["pool", "pool__facility", "kind"]

    def get_queryset(self) -> QuerySet[Closure]:
        return queries.visible_closures(actor_of(self.request))

    @extend_schema(request=ClosureRequest, responses={201: ClosureSerializer})
    def create(self, request: Request) -> Response:
        """Close a pool of one's own (a platform operator: any pool on the market)."""
        actor, body = actor_of(request), asked(ClosureRequest, request)
        body["pool"] = get_object_or_404(queries.visible_pools(actor), pk=body["pool"])
        closure: Any = close_pool(**body, actor=actor, at=timezone.now())
        return Response(ClosureSerializer(closure).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=ClosureSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str) -> Response:
        """The pool can run again."""
        closure = lift_closure(
            closure=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(ClosureSerializer(closure).data)
