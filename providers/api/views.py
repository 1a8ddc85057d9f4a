"""The suppliers over HTTP: facts, facilities, pools, offers and prices."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import Actor, Invalid
from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import IsActor, has_role
from identity.roles import GOVERNMENT_ROLES, Role
from providers import queries
from providers.actions.add_pool import add_pool
from providers.actions.copy_official_status import copy_official_status
from providers.actions.draft_offer import draft_offer
from providers.actions.list_offer import list_offer
from providers.actions.pause_offer import pause_offer
from providers.actions.register_facility import register_facility
from providers.actions.set_price import set_price
from providers.actions.withdraw_offer import withdraw_offer
from providers.api import serializers as shapes
from providers.bulk import COLUMNS
from providers.direct_line import direct_connection_year
from providers.export import file_response, pool_lines
from providers.facts import load_green_method
from providers.gates import CUSTOMARY, gates_of
from providers.green import Condition, GreenInputError
from providers.models import (
    AcceleratorModel,
    Facility,
    GridFactor,
    HubArea,
    Offer,
    Pool,
    PriceVersion,
)

AS = OpenApiParameter("as", OpenApiTypes.STR, enum=["csv", "xlsx", "json"], default="csv")
PROVIDERS = has_role(Role.PROVIDER_ADMIN)


class Facts(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """What everybody may read and nobody writes here."""


class Reading(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """List and retrieve; unsafe methods are the provider administrator's unless told."""

    def get_permissions(self) -> list[Any]:
        return [PROVIDERS()] if self.request.method == "POST" else [IsActor()]


def asked(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def visible_to_owner(rows: QuerySet[Facility], actor: Actor) -> QuerySet[Facility]:
    """Meters are the provider's own business and the government's, not a shopper's."""
    return rows if actor.has(*GOVERNMENT_ROLES) else rows.filter(provider_id=actor.organization_id)


def provider_of(actor: Actor) -> Organization:
    """The organization one acts for."""
    assert actor.organization_id is not None  # an actor of a request acts for somebody
    return Organization.objects.get(pk=actor.organization_id)


class HubAreaViewSet(Facts):
    """The 21 areas of the national hub nodes, as printed."""

    queryset = HubArea.objects.all()
    serializer_class = shapes.HubAreaSerializer
    filterset_fields = ["adcode", "hub"]


class GridFactorViewSet(Facts):
    """Published CO2 factors of grid electricity."""

    queryset = GridFactor.objects.all()
    serializer_class = shapes.GridFactorSerializer
    filterset_fields = ["place", "data_year"]


class AcceleratorViewSet(Facts):
    """The accelerator catalogue."""

    queryset = AcceleratorModel.objects.all()
    serializer_class = shapes.AcceleratorSerializer
    filterset_fields = ["code", "vendor", "origin"]


class FacilityViewSet(Reading):
    """Data centers."""

    queryset = Facility.objects.none()
    serializer_class = shapes.FacilitySerializer
    filterset_fields = ["provider", "adcode", "sample"]

    def get_queryset(self) -> QuerySet[Facility]:
        return queries.visible_facilities(actor_of(self.request))

    @extend_schema(request=shapes.FacilityRequest, responses={201: shapes.FacilitySerializer})
    def create(self, request: Request) -> Response:
        """Register a facility of one's own."""
        actor, body = actor_of(request), asked(shapes.FacilityRequest, request)
        if body["hub_area"] is not None:
            body["hub_area"] = _known(HubArea, "seq", body["hub_area"], "hub_area")
        facility = register_facility(
            provider=provider_of(actor), **body, actor=actor, at=timezone.now()
        )
        return Response(shapes.FacilitySerializer(facility).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.OfficialStatusSerializer, responses=shapes.FacilitySerializer)
    @action(detail=True, methods=["post"], url_path="official-statuses")
    def official_statuses(self, request: Request, pk: str) -> Response:
        """Copy another body's verdict, or its renewal; never computed, it changes no index."""
        actor, body = actor_of(request), asked(shapes.OfficialStatusSerializer, request)
        facility = copy_official_status(
            facility=self.get_object(), status=body, actor=actor, at=timezone.now()
        )
        return Response(shapes.FacilitySerializer(facility).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("max_pue", OpenApiTypes.DECIMAL),
            OpenApiParameter("min_renewable_share", OpenApiTypes.DECIMAL),
            OpenApiParameter("min_hourly_cfe", OpenApiTypes.DECIMAL),
            OpenApiParameter("min_green_tier", OpenApiTypes.INT),
            OpenApiParameter(
                "official", OpenApiTypes.STR, description="kind or kind:level, may be repeated"
            ),
        ],
        responses=shapes.GateAnswerShape(many=True),
    )
    @action(detail=True, filter_backends=[], pagination_class=None)
    def gates(self, request: Request, pk: str) -> Response:
        """Each condition held against what the facility has to show now: asked, actual, met, and
        the layer the actual figure is from. Without conditions: PUE 1.2, renewable 80 %, 4A."""
        asked_for = _conditions(request.query_params) or CUSTOMARY
        answers = gates_of(self.get_object(), asked_for, at=timezone.now())
        return Response([each.as_dict() for each in answers])

    @extend_schema(
        parameters=[OpenApiParameter("year", OpenApiTypes.INT, required=True)],
        responses=shapes.DirectYearShape,
    )
    @action(detail=True, url_path="direct-connection")
    def direct_connection(self, request: Request, pk: str) -> Response:
        """绿电直连 of a civil year, judged from the meters; null decision = not wholly metered."""
        asked_year = request.query_params.get("year", "")
        if not asked_year.isdigit() or not 2000 <= int(asked_year) <= 2100:
            raise Invalid("year", "a year", "须为年份")
        facility = get_object_or_404(
            visible_to_owner(self.get_queryset(), actor_of(request)), pk=pk
        )
        try:
            told = direct_connection_year(facility, year=int(asked_year))
        except GreenInputError as error:
            raise Invalid(error.field, error.text_en, error.text_zh) from error
        return Response(
            {
                "year": told.year,
                "kwh": {kind: str(kwh) for kind, kwh in told.kwh.items()},
                "missing": list(told.missing),
                "decision": told.decision.as_dict() if told.decision else None,
            }
        )


BOUNDS = {
    "max_pue": ("pue", "<="),
    "min_renewable_share": ("renewable_share", ">="),
    "min_hourly_cfe": ("hourly_cfe", ">="),
    "min_green_tier": ("green_tier", ">="),
}


def _conditions(asked_for: QueryDict) -> tuple[Condition, ...]:
    found = []
    for name, (metric, op) in BOUNDS.items():
        if name not in asked_for:
            continue
        try:
            bound = Decimal(str(asked_for[name]))
        except InvalidOperation:
            raise Invalid(name, "a number", "须为数字") from None
        if not bound.is_finite():
            raise Invalid(name, "a number", "须为数字")
        found.append(Condition(metric, op, bound))
    kinds = {kind for kind, *_names in load_green_method().official_statuses}
    for text in asked_for.getlist("official"):
        kind, _, level = text.partition(":")
        if kind not in kinds:
            raise Invalid("official", f"one of {sorted(kinds)}", f"须为 {sorted(kinds)} 之一")
        found.append(Condition(kind, ">=", level))
    return tuple(found)


class PoolViewSet(Reading):
    """Like capacity in one facility."""

    queryset = Pool.objects.none()
    serializer_class = shapes.PoolSerializer
    filterset_fields = ["facility", "accelerator__code", "state", "slice_id"]

    def get_queryset(self) -> QuerySet[Pool]:
        return queries.visible_pools(actor_of(self.request))

    @extend_schema(request=shapes.PoolRequest, responses={201: shapes.PoolSerializer})
    def create(self, request: Request) -> Response:
        """Add a pool to a facility of one's own."""
        actor, body = actor_of(request), asked(shapes.PoolRequest, request)
        body["facility"] = get_object_or_404(queries.visible_facilities(actor), pk=body["facility"])
        body["accelerator"] = _known(AcceleratorModel, "code", body["accelerator"], "accelerator")
        pool = add_pool(**body, actor=actor, at=timezone.now())
        return Response(shapes.PoolSerializer(pool).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[AS], responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=False)
    def export(self, request: Request) -> HttpResponseBase:
        """The pools one sees, as a file that `POST /imports` takes in again."""
        pools, now = self.filter_queryset(self.get_queryset()), timezone.now()
        kind = request.query_params.get("as", "csv")
        return file_response(kind, "pools", COLUMNS, pool_lines(pools, now))


class OfferViewSet(Reading):
    """Pools on the market."""

    queryset = Offer.objects.none()
    serializer_class = shapes.OfferSerializer
    filterset_fields = ["state", "pool", "pool__facility"]

    def get_queryset(self) -> QuerySet[Offer]:
        return queries.visible_offers(actor_of(self.request))

    @extend_schema(request=shapes.OfferRequest, responses={201: shapes.OfferSerializer})
    def create(self, request: Request) -> Response:
        """Draft the offer of a pool; give it a price, then list it."""
        actor, body = actor_of(request), asked(shapes.OfferRequest, request)
        body["pool"] = get_object_or_404(queries.visible_pools(actor), pk=body["pool"])
        offer = draft_offer(**body, actor=actor, at=timezone.now())
        return Response(shapes.OfferSerializer(offer).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="offers_list_on_market", request=None)
    @action(detail=True, methods=["post"], url_path="list")
    def list_on_market(self, request: Request, pk: str) -> Response:
        """draft or paused → listed."""
        return self._moved(list_offer, request)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """listed → paused."""
        return self._moved(pause_offer, request)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """→ withdrawn, for good."""
        return self._moved(withdraw_offer, request)

    def _moved(self, move: Any, request: Request) -> Response:
        offer = move(offer=self.get_object(), actor=actor_of(request), at=timezone.now())
        return Response(shapes.OfferSerializer(offer).data)


class PriceViewSet(Reading):
    """Dated prices; nothing already offered changes."""

    queryset = PriceVersion.objects.none()
    serializer_class = shapes.PriceSerializer
    filterset_fields = ["offer"]

    def get_queryset(self) -> QuerySet[PriceVersion]:
        return queries.visible_prices(actor_of(self.request))

    @extend_schema(request=shapes.PriceRequest, responses={201: shapes.PriceSerializer})
    def create(self, request: Request) -> Response:
        """Give an offer a price from an instant on."""
        actor, body, now = actor_of(request), asked(shapes.PriceRequest, request), timezone.now()
        body["offer"] = get_object_or_404(queries.visible_offers(actor), pk=body["offer"])
        price = set_price(**({"starts_at": now} | body), actor=actor, at=now)
        return Response(shapes.PriceSerializer(price).data, status=status.HTTP_201_CREATED)


def _known(model: type[Model], key: str, value: Any, field: str) -> Any:
    """A fact named in a body. Raises Invalid (422) with the field."""
    row = model._default_manager.filter(**{key: value}).first()
    if row is None:
        raise Invalid(field, f"unknown: {value}", f"未知：{value}")
    return row
