"""Who am I; who is registered; who acts for whom."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identity import queries
from identity.actions.issue_api_key import issue_api_key
from identity.actions.register_organization import register_organization
from identity.actions.revoke_api_key import revoke_api_key
from identity.api import serializers as shapes
from identity.authentication import actor_of, membership_of
from identity.models import ApiKey, Membership, Organization
from identity.permissions import has_role
from identity.refusals import KeyNeedsPerson
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


class ApiKeyViewSet(viewsets.ReadOnlyModelViewSet[ApiKey]):
    """Keys for machines that act in one's name."""

    queryset = ApiKey.objects.none()
    serializer_class = shapes.ApiKeySerializer
    lookup_field = "prefix"
    filterset_fields = ["revoked"]

    def get_queryset(self) -> QuerySet[ApiKey]:
        return queries.api_keys_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.ApiKeyRequest, responses={201: shapes.IssuedApiKeySerializer})
    def create(self, request: Request) -> Response:
        """Issue a key for the organization one acts for now. The key is shown once."""
        membership = membership_of(request)
        if membership is None or isinstance(request.auth, ApiKey):
            raise KeyNeedsPerson()
        body = shapes.ApiKeyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        plain = issue_api_key(
            **body.validated_data, membership=membership, actor=actor_of(request), at=timezone.now()
        )
        answer = Response({"key": plain}, status=status.HTTP_201_CREATED)
        answer["Cache-Control"] = "no-store"
        return answer

    @extend_schema(request=None, responses=shapes.ApiKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, prefix: str) -> Response:
        """End a key now; one may revoke one's own."""
        actor = actor_of(request)
        mine = self.get_queryset().filter(membership__user_id=actor.person_id or 0)
        key = get_object_or_404(mine, prefix=prefix)
        return Response(
            self.get_serializer(revoke_api_key(api_key=key, actor=actor, at=timezone.now())).data
        )
