"""Tranches and adjustments over HTTP: one proposes, two others approve."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from treasury import queries
from treasury.actions.approve_adjustment import approve_adjustment, reject_adjustment
from treasury.actions.approve_tranche import approve_tranche, reject_tranche
from treasury.actions.propose_adjustment import propose_adjustment
from treasury.actions.propose_tranche import propose_tranche
from treasury.api import adjustment_serializers as shapes
from treasury.api.budgets import Budget, BudgetApproval
from treasury.api.lookup import checked, named
from treasury.api.serializers import ReasonRequest
from treasury.models import Adjustment, Tranche


class TrancheViewSet(viewsets.ReadOnlyModelViewSet[Tranche]):
    """Parts of an envelope released for issue."""

    queryset = Tranche.objects.none()
    serializer_class = shapes.TrancheSerializer
    permission_classes = [Budget]
    filterset_fields = ["state", "envelope"]

    def get_queryset(self) -> QuerySet[Tranche]:
        return queries.tranches_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.TrancheRequest, responses={201: shapes.TrancheSerializer})
    def create(self, request: Request) -> Response:
        """Propose the next tranche of an envelope."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.TrancheRequest, request)
        envelope = named(queries.envelopes_visible_to(actor), body.pop("envelope"), "envelope")
        tranche = propose_tranche(envelope=envelope, **body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(tranche).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.TrancheSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve; the second approval, by another person, releases it."""
        tranche = approve_tranche(
            tranche=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(tranche).data)

    @extend_schema(request=ReasonRequest, responses=shapes.TrancheSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down."""
        body: dict[str, Any] = checked(ReasonRequest, request)
        tranche = reject_tranche(
            tranche=self.get_object(), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(tranche).data)


class AdjustmentViewSet(viewsets.ReadOnlyModelViewSet[Adjustment]):
    """Additions to a running budget, cuts, and transfers between envelopes."""

    queryset = Adjustment.objects.none()
    serializer_class = shapes.AdjustmentSerializer
    permission_classes = [Budget]
    filterset_fields = ["state", "kind", "envelope", "to_envelope"]

    def get_queryset(self) -> QuerySet[Adjustment]:
        return queries.adjustments_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.AdjustmentRequest, responses={201: shapes.AdjustmentSerializer})
    def create(self, request: Request) -> Response:
        """Propose an adjustment."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.AdjustmentRequest, request)
        sources, envelopes = (
            queries.funding_sources_visible_to(actor),
            queries.envelopes_visible_to(actor),
        )
        for field, rows in (
            ("funding_source", sources),
            ("to_envelope", envelopes),
            ("envelope", envelopes),
        ):
            if body[field] is not None:
                body[field] = named(rows, body[field], field)
        adjustment = propose_adjustment(**body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(adjustment).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.AdjustmentSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve; the second approval, by another person, moves the money."""
        adjustment = approve_adjustment(
            adjustment=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(adjustment).data)

    @extend_schema(request=ReasonRequest, responses=shapes.AdjustmentSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down."""
        body: dict[str, Any] = checked(ReasonRequest, request)
        adjustment = reject_adjustment(
            adjustment=self.get_object(), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(adjustment).data)
