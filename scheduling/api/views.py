"""The control room over HTTP: read platforms, workloads, placements, runs and jobs."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import NotFound
from identity.authentication import actor_of
from identity.permissions import has_role
from identity.policy import sees_everything
from identity.roles import Role
from scheduling.actions.answer_relocation import accept_relocation, decline_relocation
from scheduling.actions.decline_placement import decline_placement
from scheduling.actions.list_pool import list_pool
from scheduling.api.serializers import (
    JobSerializer,
    ListingSerializer,
    MatchRunSerializer,
    NearMissSerializer,
    PlacementSerializer,
    PlatformSerializer,
    RelocationSerializer,
    WeekSerializer,
)
from scheduling.models import Job, Listing, MatchRun, Placement, Platform, Relocation
from scheduling.near_misses import near_misses
from scheduling.policy import (
    may_see_runs,
    visible_jobs,
    visible_placements,
    visible_relocations,
)
from scheduling.read_archive import story_of
from scheduling.read_week import week_of


class PlatformViewSet(viewsets.ReadOnlyModelViewSet[Platform]):
    """The 16 scheduling platforms of Table 5, as printed."""

    queryset = Platform.objects.prefetch_related("overlaps")
    serializer_class = PlatformSerializer
    filterset_fields = ["status", "adcode", "can_dispatch"]


class ListingViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Listing]
):
    """Pools on platforms: one platform owns a pool's capacity, others refer to it."""

    queryset = Listing.objects.select_related("platform", "pool")
    serializer_class = ListingSerializer
    filterset_fields = ["platform", "pool", "owner"]

    def get_permissions(self) -> Any:
        if self.request.method == "POST":
            return [has_role(Role.PROVIDER_ADMIN)()]
        return super().get_permissions()

    @extend_schema(request=ListingSerializer, responses={201: ListingSerializer})
    def create(self, request: Request) -> Response:
        """List one of the provider's own pools on a platform."""
        asked = ListingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        actor, pool = actor_of(request), asked.validated_data["pool"]
        if pool.facility.provider_id != actor.organization_id:
            raise NotFound(thing="pool", field="pool")
        listing = list_pool(
            pool=pool, platform=asked.validated_data["platform"], actor=actor, at=timezone.now()
        )
        return Response(ListingSerializer(listing).data, status=status.HTTP_201_CREATED)


class PlacementViewSet(viewsets.ReadOnlyModelViewSet[Placement]):
    """Placements with their reasons and best rejected alternatives."""

    queryset = Placement.objects.none()
    serializer_class = PlacementSerializer
    filterset_fields = ["state", "workload", "pool"]

    def get_queryset(self) -> QuerySet[Placement]:
        return visible_placements(actor_of(self.request))

    @extend_schema(request=None, responses=PlacementSerializer)
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[has_role(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)],
    )
    def decline(self, request: Request, pk: str) -> Response:
        """Decline a proposed placement; its workload is matched again."""
        placement = decline_placement(
            placement=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(placement).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def explanation(self, request: Request, pk: str) -> Response:
        """Why here: told when it was placed, or again now from what the run stored."""
        return Response(story_of(self.get_object()))


class RelocationViewSet(viewsets.ReadOnlyModelViewSet[Relocation]):
    """Suggested moves of interruptible workloads to greener or cheaper hours."""

    queryset = Relocation.objects.none()
    serializer_class = RelocationSerializer
    filterset_fields = ["state", "placement"]

    def get_queryset(self) -> QuerySet[Relocation]:
        return visible_relocations(actor_of(self.request))

    @extend_schema(request=None, responses=PlacementSerializer)
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[has_role(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)],
    )
    def accept(self, request: Request, pk: str) -> Response:
        """Accept the move: the old order ends, the new placement waits to be accepted."""
        placement = accept_relocation(
            relocation=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(PlacementSerializer(placement).data)

    @extend_schema(request=None, responses=RelocationSerializer)
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[has_role(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)],
    )
    def decline(self, request: Request, pk: str) -> Response:
        """Decline the move: everything stays as it is."""
        relocation = decline_relocation(
            relocation=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(relocation).data)


class NearMissViewSet(viewsets.GenericViewSet[Any]):
    """Demand a provider almost won, and why it lost."""

    queryset = Placement.objects.none()
    serializer_class = NearMissSerializer
    pagination_class = None

    @extend_schema(responses=NearMissSerializer(many=True))
    def list(self, request: Request) -> Response:
        """The newest hundred in the provider's own pools."""
        actor = actor_of(request)
        if not (actor.has(Role.PROVIDER_ADMIN) or sees_everything(actor)):
            return Response([])
        whose = None if sees_everything(actor) else actor.organization_id or 0
        return Response(NearMissSerializer(near_misses(provider_id=whose), many=True).data)


class MatchRunViewSet(viewsets.ReadOnlyModelViewSet[MatchRun]):
    """Matching runs with their progress and certified gap."""

    queryset = MatchRun.objects.none()
    serializer_class = MatchRunSerializer
    filterset_fields = ["state", "market"]

    def get_queryset(self) -> QuerySet[MatchRun]:
        if not may_see_runs(actor_of(self.request)):
            return MatchRun.objects.none()
        return MatchRun.objects.defer("inputs")

    @extend_schema(responses=WeekSerializer)
    @action(detail=True, methods=["get"])
    def week(self, request: Request, pk: str) -> Response:
        """Capacity, load, prices, shadow prices and carbon by province, accelerator and hour."""
        run = self.get_object()
        if not hasattr(run, "archive"):
            raise NotFound(thing="archive")
        return Response(WeekSerializer(week_of(run)).data)


class JobViewSet(viewsets.ReadOnlyModelViewSet[Job]):
    """Jobs at platforms with their metered usage."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_fields = ["state", "platform"]

    def get_queryset(self) -> QuerySet[Job]:
        return visible_jobs(actor_of(self.request))
