"""What retroactive terms change, over HTTP: computed, read by the approvers, raised afterwards."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.permissions import has_role
from vouchers import policy
from vouchers.actions.raise_differences import raise_differences
from vouchers.actions.recompute_decisions import recompute_decisions
from vouchers.api.lookup import checked, named, who_and_when
from vouchers.models import Difference, Recomputation

Reading = has_role(*policy.DRAFTERS, *policy.APPROVERS, *policy.DECIDERS)
Computing = has_role(*policy.DRAFTERS, *policy.APPROVERS)
Raising = has_role(*policy.DECIDERS)


class RecomputationRequest(serializers.Serializer[None]):
    """The retroactive version to decide the past again under."""

    policy_version = serializers.IntegerField()


class DifferenceSerializer(serializers.ModelSerializer[Difference]):
    """One decision that comes out otherwise; `change_fen` is signed."""

    change_fen = serializers.IntegerField(read_only=True)

    class Meta:
        model = Difference
        fields = ["id", "beneficiary", "application", "claim", "award", "window_answer"]
        fields += ["before_fen", "after_fen", "change_fen", "state", "payable", "recovery"]


class RecomputationSerializer(serializers.ModelSerializer[Recomputation]):
    differences = DifferenceSerializer(many=True, read_only=True)

    class Meta:
        model = Recomputation
        fields = ["id", "version", "digest", "examined", "undecidable", "more_fen", "less_fen"]
        fields += ["computed_by", "computed_at", "differences"]


class RecomputationViewSet(viewsets.ReadOnlyModelViewSet[Recomputation]):
    """Decisions since a retroactive version's effective date, decided again under it."""

    queryset = Recomputation.objects.none()
    serializer_class = RecomputationSerializer
    permission_classes = [Reading]
    filterset_fields = ["version"]

    def get_queryset(self) -> QuerySet[Recomputation]:
        versions = policy.versions_on_trial(actor_of(self.request))
        rows = Recomputation.objects.filter(version__in=versions).order_by("-pk")
        return rows.select_related("version__programme").prefetch_related("differences")

    @extend_schema(request=RecomputationRequest, responses={201: RecomputationSerializer})
    def create(self, request: Request) -> Response:
        """Compute what a draft would change of the past; it changes nothing."""
        body = checked(RecomputationRequest, request)
        versions = policy.versions_on_trial(actor_of(request))
        version = named(versions, body["policy_version"], "policy_version")
        found = recompute_decisions(version=version, **who_and_when(request))
        return Response(self._shown(found), status=status.HTTP_201_CREATED)

    def get_permissions(self) -> Any:
        return [Computing()] if self.action == "create" else super().get_permissions()

    @extend_schema(request=None, responses=RecomputationSerializer)
    @action(detail=True, methods=["post"], url_path="raise", permission_classes=[Raising])
    def raise_(self, request: Request, pk: str) -> Response:
        """After the third approval: supplements become payables, overpaid money recovery cases."""
        found = self.get_object()
        raise_differences(recomputation=found, **who_and_when(request))
        return Response(self._shown(found))

    def _shown(self, found: Recomputation) -> dict[str, Any]:
        return dict(self.get_serializer(self.get_queryset().get(pk=found.pk)).data)
