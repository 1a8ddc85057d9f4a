"""The control room over HTTP: read platforms, workloads, placements, runs and jobs."""

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
from identity.permissions import has_role
from identity.roles import Role
from scheduling.actions.decline_placement import decline_placement
from scheduling.actions.list_pool import list_pool
from scheduling.api.serializers import (
    JobSerializer,
    ListingSerializer,
    MatchRunSerializer,
    PlacementSerializer,
    PlatformSerializer,
)
from scheduling.models import Job, Listing, MatchRun, Placement, Platform
from scheduling.policy import (
    may_see_runs,
    visible_jobs,
    visible_placements,
)


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


class MatchRunViewSet(viewsets.ReadOnlyModelViewSet[MatchRun]):
    """Matching runs with their progress and certified gap."""

    queryset = MatchRun.objects.none()
    serializer_class = MatchRunSerializer
    filterset_fields = ["state", "market"]

    def get_queryset(self) -> QuerySet[MatchRun]:
        if not may_see_runs(actor_of(self.request)):
            return MatchRun.objects.none()
        return MatchRun.objects.defer("inputs")


class JobViewSet(viewsets.ReadOnlyModelViewSet[Job]):
    """Jobs at platforms with their metered usage."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_fields = ["state", "platform"]

    def get_queryset(self) -> QuerySet[Job]:
        return visible_jobs(actor_of(self.request))
