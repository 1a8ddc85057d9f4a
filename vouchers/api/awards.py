"""Subsidy awards over HTTP: proposed from a rule, approved by two others."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import has_role
from vouchers import policy
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.correct_award import approve_correction, reject_correction
from vouchers.actions.review_award import approve_award, conclude_award, reject_award
from vouchers.api import serializers as shapes
from vouchers.api.lookup import checked, named, who_and_when
from vouchers.models import AwardCorrection, SubsidyAward

Proposing = has_role(*policy.DECIDERS, *policy.REVIEWERS)
Deciding = has_role(*policy.DECIDERS)


class SubsidyAwardViewSet(viewsets.ReadOnlyModelViewSet[SubsidyAward]):
    """Public money earned by a rule for a period; a period that earns nothing says why."""

    queryset = SubsidyAward.objects.none()
    permission_classes = [Proposing]
    filterset_fields = ["state", "version", "beneficiary"]

    def get_queryset(self) -> QuerySet[SubsidyAward]:
        rows = policy.visible_awards(actor_of(self.request))
        return rows.defer("facts", "evaluation") if self.action == "list" else rows

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "list":
            return shapes.SubsidyAwardSerializer
        return shapes.SubsidyAwardDetailSerializer

    @extend_schema(
        request=shapes.AwardRequest, responses={201: shapes.SubsidyAwardDetailSerializer}
    )
    def create(self, request: Request) -> Response:
        """Compute what the rule grants for the period and propose it."""
        body = checked(shapes.AwardRequest, request)
        actor = actor_of(request)
        award = propose_award(
            version=named(
                policy.visible_versions(actor), body.pop("policy_version"), "policy_version"
            ),
            beneficiary=named(Organization.objects.all(), body.pop("beneficiary"), "beneficiary"),
            **body,
            **who_and_when(request),
        )
        return Response(self.get_serializer(award).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.SubsidyAwardDetailSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Sign the stage it is at, each by another person; the last makes it a payable, or opens
        the public notice."""
        award = approve_award(award=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(award).data)

    @extend_schema(request=shapes.AwardReasonRequest, responses=shapes.SubsidyAwardDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down before it is approved, for a stated reason."""
        body = checked(shapes.AwardReasonRequest, request)
        award = reject_award(award=self.get_object(), **body, **who_and_when(request))
        return Response(self.get_serializer(award).data)

    @extend_schema(request=None, responses=shapes.SubsidyAwardDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def conclude(self, request: Request, pk: str) -> Response:
        """After the public notice: it is owed."""
        award = conclude_award(award=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(award).data)


class AwardCorrectionViewSet(viewsets.ReadOnlyModelViewSet[AwardCorrection]):
    """Differences the books raised after an award: more is owed, less is asked back."""

    queryset = AwardCorrection.objects.none()
    serializer_class = shapes.AwardCorrectionSerializer
    permission_classes = [Proposing]
    filterset_fields = ["state", "award"]

    def get_queryset(self) -> QuerySet[AwardCorrection]:
        awards = policy.visible_awards(actor_of(self.request))
        rows = AwardCorrection.objects.filter(award__in=awards)
        return rows.select_related("award__version__programme", "award__beneficiary").order_by("pk")

    @extend_schema(request=None, responses=shapes.AwardCorrectionSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def approve(self, request: Request, pk: str) -> Response:
        """Twice, by two people: a payable of its own, or a recovery of what was paid."""
        correction = approve_correction(correction=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(correction).data)

    @extend_schema(request=shapes.AwardReasonRequest, responses=shapes.AwardCorrectionSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def reject(self, request: Request, pk: str) -> Response:
        """Leave the award as it was, for a stated reason."""
        body = checked(shapes.AwardReasonRequest, request)
        correction = reject_correction(
            correction=self.get_object(), **body, **who_and_when(request)
        )
        return Response(self.get_serializer(correction).data)
