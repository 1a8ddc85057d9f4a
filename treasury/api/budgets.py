"""Budgets over HTTP: sources, envelopes and their figures, appropriations."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import NotFound
from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import has_role
from treasury import policy, queries
from treasury.actions.approve_appropriation import approve_appropriation
from treasury.actions.close_envelope import begin_closing, close_envelope
from treasury.actions.create_envelope import create_envelope
from treasury.actions.freeze_envelope import freeze_envelope
from treasury.actions.open_envelope import open_envelope
from treasury.actions.propose_appropriation import propose_appropriation
from treasury.actions.register_funding_source import register_funding_source
from treasury.actions.reject_appropriation import reject_appropriation
from treasury.api import adjustment_serializers as adjusting
from treasury.api import serializers as shapes
from treasury.api.lookup import checked, named
from treasury.budget_use import budget_use
from treasury.models import Appropriation, Envelope, FundingSource

Budget = has_role(*policy.BUDGET)
BudgetApproval = has_role(*policy.BUDGET_APPROVERS)


def own_organization(request: Request) -> Organization:
    """The organization the request acts for."""
    organization = Organization.objects.filter(pk=actor_of(request).organization_id or 0).first()
    if organization is None:
        raise NotFound(thing="organization")
    return organization


class FundingSourceViewSet(viewsets.ReadOnlyModelViewSet[FundingSource]):
    """Where appropriations come from."""

    queryset = FundingSource.objects.none()
    serializer_class = shapes.FundingSourceSerializer
    permission_classes = [Budget]
    filterset_fields = ["level"]

    def get_queryset(self) -> QuerySet[FundingSource]:
        return queries.funding_sources_visible_to(actor_of(self.request))

    @extend_schema(responses={201: shapes.FundingSourceSerializer})
    def create(self, request: Request) -> Response:
        """Register a funding source of the issuer the caller acts for."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        source = register_funding_source(
            issuer=own_organization(request),
            **body.validated_data,
            actor=actor_of(request),
            at=timezone.now(),
        )
        return Response(self.get_serializer(source).data, status=status.HTTP_201_CREATED)


class EnvelopeViewSet(viewsets.ReadOnlyModelViewSet[Envelope]):
    """Budgets of an issuer and year."""

    queryset = Envelope.objects.none()
    serializer_class = shapes.EnvelopeSerializer
    permission_classes = [Budget]
    filterset_fields = ["state", "programme_code", "book__budget_year"]

    def get_queryset(self) -> QuerySet[Envelope]:
        return queries.envelopes_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.EnvelopeRequest, responses={201: shapes.EnvelopeSerializer})
    def create(self, request: Request) -> Response:
        """Draw up an envelope for the issuer the caller acts for."""
        body: dict[str, Any] = checked(shapes.EnvelopeRequest, request)
        envelope = create_envelope(
            issuer=own_organization(request),
            **body,
            actor=actor_of(request),
            at=timezone.now(),
        )
        return Response(self.get_serializer(envelope).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=shapes.EnvelopeFiguresSerializer)
    @action(detail=True, methods=["get"])
    def figures(self, request: Request, pk: str) -> Response:
        """Where every fen of the envelope is."""
        return Response(queries.envelope_figures(self.get_object()).as_dict())

    @extend_schema(responses=adjusting.ForecastSerializer)
    @action(detail=True, methods=["get"])
    def forecast(self, request: Request, pk: str) -> Response:
        """How fast it is used, and when it is expected to be used up (80 % interval)."""
        use = budget_use(self.get_object(), at=timezone.now())
        return Response(adjusting.ForecastSerializer(use).data)

    def _moved(self, moved: Any, **more: Any) -> Response:
        envelope = moved(
            envelope=self.get_object(), actor=actor_of(self.request), at=timezone.now(), **more
        )
        return Response(self.get_serializer(envelope).data)

    @extend_schema(request=None, responses=shapes.EnvelopeSerializer)
    @action(detail=True, methods=["post"])
    def open(self, request: Request, pk: str) -> Response:
        """Open for commitments, the first time or after a freeze."""
        return self._moved(open_envelope)

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.EnvelopeSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def freeze(self, request: Request, pk: str) -> Response:
        """Stop new commitments for now."""
        return self._moved(freeze_envelope, **checked(shapes.ReasonRequest, request))

    @extend_schema(request=None, responses=shapes.EnvelopeSerializer)
    @action(detail=True, methods=["post"], url_path="begin-closing")
    def begin_closing(self, request: Request, pk: str) -> Response:
        """No new commitments from here on."""
        return self._moved(begin_closing)

    @extend_schema(request=None, responses=shapes.EnvelopeSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Lapse what is left and close; refused while something is committed."""
        return self._moved(close_envelope)


class AppropriationViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Appropriation],
):
    """Money into an envelope before it opens; one proposes, another approves."""

    queryset = Appropriation.objects.none()
    serializer_class = shapes.AppropriationSerializer
    permission_classes = [Budget]
    filterset_fields = ["state", "envelope", "kind"]

    def get_queryset(self) -> QuerySet[Appropriation]:
        return queries.appropriations_visible_to(actor_of(self.request))

    @extend_schema(
        request=shapes.AppropriationRequest, responses={201: shapes.AppropriationSerializer}
    )
    def create(self, request: Request) -> Response:
        """Propose an appropriation to an envelope that is not open yet."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.AppropriationRequest, request)
        appropriation = propose_appropriation(
            envelope=named(queries.envelopes_visible_to(actor), body["envelope"], "envelope"),
            funding_source=named(
                queries.funding_sources_visible_to(actor), body["funding_source"], "funding_source"
            ),
            amount_fen=body["amount_fen"],
            actor=actor,
            at=timezone.now(),
        )
        return Response(self.get_serializer(appropriation).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.AppropriationSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve what somebody else proposed; the money moves."""
        appropriation = approve_appropriation(
            appropriation=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(appropriation).data)

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.AppropriationSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BudgetApproval])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down."""
        body: dict[str, Any] = checked(shapes.ReasonRequest, request)
        appropriation = reject_appropriation(
            appropriation=self.get_object(), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(appropriation).data)
