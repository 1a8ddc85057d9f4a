"""Who may not do both: lent and emergency roles, conflict screens, the matrix. Over HTTP."""

from dataclasses import asdict
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.decisions import Invalid, NotFound
from identity import queries
from identity.actions.break_glass import break_glass, end_emergency
from identity.actions.declare_interests import declare_interests
from identity.actions.lend_role import lend_role, revoke_delegation
from identity.actions.register_affiliation import register_affiliation
from identity.actions.register_succession import register_succession
from identity.actions.screen_conflicts import screen_conflicts
from identity.api import duty_serializers as shapes
from identity.authentication import actor_of
from identity.duties import MATRIX
from identity.models import (
    Affiliation,
    BreakGlass,
    ConflictScreen,
    Delegation,
    Organization,
    PersonFacts,
    Succession,
    User,
)
from identity.permissions import IsActor, has_role
from identity.roles import GOVERNMENT_ROLES, Role

Officer = has_role(*sorted(GOVERNMENT_ROLES - {Role.AUDITOR}))
Row = TypeVar("Row", bound=Model)


def checked(shape: type[serializers.Serializer[None]], request: Request) -> dict[str, Any]:
    """The request's body, validated against `shape`. Raises DRF's ValidationError (422)."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def named(rows: QuerySet[Row], pk: int, field: str) -> Row:
    """The row `pk`, or Invalid naming `field`."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Invalid(field, "there is no such object", "没有这个对象")
    return row


def own_organization(request: Request) -> Organization:
    """The organization the request acts for. Raises NotFound."""
    organization = Organization.objects.filter(pk=actor_of(request).organization_id or 0).first()
    if organization is None:
        raise NotFound(thing="organization")
    return organization


class DelegationViewSet(viewsets.ReadOnlyModelViewSet[Delegation]):
    """Roles lent to colleagues for at most 90 days."""

    queryset = Delegation.objects.none()
    serializer_class = shapes.DelegationSerializer
    permission_classes = [IsActor]
    filterset_fields = ["role", "lender", "borrower"]

    def get_queryset(self) -> QuerySet[Delegation]:
        return queries.delegations_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.DelegationRequest, responses={201: shapes.DelegationSerializer})
    def create(self, request: Request) -> Response:
        """Lend a role one was granted oneself. It restores no conflict."""
        actor, body = actor_of(request), checked(shapes.DelegationRequest, request)
        colleagues = User.objects.filter(memberships__organization=actor.organization_id or 0)
        delegation = lend_role(
            borrower=named(colleagues, body.pop("borrower"), "borrower"),
            organization=own_organization(request),
            **body,
            actor=actor,
            at=timezone.now(),
        )
        return Response(self.get_serializer(delegation).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.DelegationSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End it now; by its lender or borrower."""
        delegation = revoke_delegation(
            delegation=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(delegation).data)


class EmergencyViewSet(viewsets.ReadOnlyModelViewSet[BreakGlass]):
    """Roles taken in an emergency, for at most eight hours, seen by the auditor."""

    queryset = BreakGlass.objects.none()
    serializer_class = shapes.EmergencySerializer
    permission_classes = [Officer]
    filterset_fields = ["role", "user"]

    def get_queryset(self) -> QuerySet[BreakGlass]:
        return queries.emergencies_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.EmergencyRequest, responses={201: shapes.EmergencySerializer})
    def create(self, request: Request) -> Response:
        """Take a role at once. The auditor is told, and it restores no conflict."""
        emergency = break_glass(
            organization=own_organization(request),
            **checked(shapes.EmergencyRequest, request),
            actor=actor_of(request),
            at=timezone.now(),
        )
        return Response(self.get_serializer(emergency).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.EmergencySerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """Give it back early."""
        emergency = end_emergency(
            emergency=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(emergency).data)


class ConflictScreenViewSet(viewsets.ReadOnlyModelViewSet[ConflictScreen]):
    """Ties between people and organizations, as far as known when they were asked for."""

    queryset = ConflictScreen.objects.none()
    serializer_class = shapes.ConflictScreenSerializer
    permission_classes = [Officer]
    filterset_fields = ["result", "person", "organization", "subject_type", "subject_id"]

    def get_queryset(self) -> QuerySet[ConflictScreen]:
        return queries.screens_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.ScreenRequest, responses={201: shapes.ConflictScreenSerializer})
    def create(self, request: Request) -> Response:
        """Screen oneself against an organization before taking anything of it in hand."""
        actor, body = actor_of(request), checked(shapes.ScreenRequest, request)
        organization = named(
            queries.organizations_visible_to(actor), body["organization"], "organization"
        )
        stored = screen_conflicts(
            organization=organization,
            act="look",
            subject=organization,
            actor=actor,
            at=timezone.now(),
        )
        return Response(self.get_serializer(stored).data, status=status.HTTP_201_CREATED)


class SuccessionViewSet(viewsets.ReadOnlyModelViewSet[Succession]):
    """Which organization follows which, from which day on."""

    queryset = Succession.objects.none()
    serializer_class = shapes.SuccessionSerializer
    permission_classes = [Officer]
    filterset_fields = ["predecessor", "successor", "kind"]

    def get_queryset(self) -> QuerySet[Succession]:
        seen = queries.organizations_visible_to(actor_of(self.request))
        return Succession.objects.filter(predecessor__in=seen)

    @extend_schema(request=shapes.SuccessionRequest, responses={201: shapes.SuccessionSerializer})
    def create(self, request: Request) -> Response:
        """Register a successor, once and for good."""
        actor, body = actor_of(request), checked(shapes.SuccessionRequest, request)
        rows = queries.organizations_visible_to(actor)
        for field in ("predecessor", "successor"):
            body[field] = named(rows, body[field], field)
        succession = register_succession(**body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(succession).data, status=status.HTTP_201_CREATED)


class AffiliationViewSet(viewsets.ReadOnlyModelViewSet[Affiliation]):
    """Which organizations belong together, from which day on; learned late is learned."""

    queryset = Affiliation.objects.none()
    serializer_class = shapes.AffiliationSerializer
    permission_classes = [has_role(*sorted(GOVERNMENT_ROLES))]
    filterset_fields = ["one", "other", "kind"]

    def get_queryset(self) -> QuerySet[Affiliation]:
        return Affiliation.objects.order_by("pk")

    def get_permissions(self) -> Any:
        return [Officer()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(request=shapes.AffiliationRequest, responses={201: shapes.AffiliationSerializer})
    def create(self, request: Request) -> Response:
        """Register that two organizations belong together."""
        actor, body = actor_of(request), checked(shapes.AffiliationRequest, request)
        rows = queries.organizations_visible_to(actor)
        for field in ("one", "other"):
            body[field] = named(rows, body[field], field)
        affiliation = register_affiliation(**body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(affiliation).data, status=status.HTTP_201_CREATED)


class InterestsView(APIView):
    """One's own declaration of interests."""

    permission_classes = [IsActor]

    @extend_schema(
        operation_id="my_interests_create",
        request=shapes.InterestsRequest,
        responses={201: shapes.InterestsSerializer},
    )
    def post(self, request: Request) -> Response:
        """Declare; the newest declaration stands, for screens only."""
        body = checked(shapes.InterestsRequest, request)
        facts = declare_interests(**body, actor=actor_of(request), at=timezone.now())
        return Response(_said(facts), status=status.HTTP_201_CREATED)


class SeparationView(APIView):
    """The separation of duties."""

    permission_classes = [IsActor]

    @extend_schema(
        operation_id="separations_list", responses=shapes.SeparationSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Which acts on one thing take different people, and what in the database holds it."""
        return Response([asdict(line) for line in MATRIX])


def _said(facts: PersonFacts) -> dict[str, Any]:
    fields = (
        "employer_usccs",
        "shareholding_usccs",
        "phones",
        "addresses",
        "bank_account_numbers",
    )
    return {
        "declared_at": facts.declared_at,
        "said": [field for field in fields if getattr(facts, field) is not None],
    }
