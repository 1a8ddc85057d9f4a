"""Who am I; who is registered; who acts for whom."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identity import queries
from identity.actions.register_organization import register_organization
from identity.api import serializers as shapes
from identity.authentication import actor_of
from identity.models import Membership, Organization
from identity.permissions import has_role
from identity.roles import GOVERNMENT_ROLES, Role

Registrar = has_role(*sorted(GOVERNMENT_ROLES - {Role.AUDITOR}))


class MeView(APIView):
    """The caller."""

    @extend_schema(operation_id="me_retrieve", responses=shapes.MeSerializer)
    def get(self, request: Request) -> Response:
        """The person, the organization they act for, and their roles now."""
        actor = actor_of(request)
        me: Any = {
            "person_id": actor.person_id,
            "username": actor.label,
            "organization": Organization.objects.filter(pk=actor.organization_id or 0).first(),
            "roles": sorted(actor.roles),
        }
        return Response(shapes.MeSerializer(me).data)


class OrganizationViewSet(viewsets.ReadOnlyModelViewSet[Organization]):
    """The register of organizations."""

    queryset = Organization.objects.none()
    serializer_class = shapes.OrganizationSerializer
    permission_classes = [Registrar]
    filterset_fields = ["kind", "uscc", "adcode", "sample"]

    def get_queryset(self) -> QuerySet[Organization]:
        return queries.organizations_visible_to(actor_of(self.request))

    @extend_schema(
        request=shapes.OrganizationRequest, responses={201: shapes.OrganizationSerializer}
    )
    def create(self, request: Request) -> Response:
        """Register an organization by its USCC."""
        body = shapes.OrganizationRequest(data=request.data)
        body.is_valid(raise_exception=True)
        organization = register_organization(
            **body.validated_data, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(organization).data, status=status.HTTP_201_CREATED)


class MembershipViewSet(viewsets.ReadOnlyModelViewSet[Membership]):
    """Who acts for an organization, with roles and their dates."""

    queryset = Membership.objects.none()
    serializer_class = shapes.MembershipSerializer
    filterset_fields = ["organization", "user"]

    def get_queryset(self) -> QuerySet[Membership]:
        return queries.memberships_visible_to(actor_of(self.request))
