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
from vouchers.actions.award_subsidy import approve_award, propose_award
from vouchers.api import serializers as shapes
from vouchers.api.lookup import checked, named, who_and_when
from vouchers.models import SubsidyAward

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
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve; the second approval, by another person, makes it a payable."""
        award = approve_award(award=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(award).data)
