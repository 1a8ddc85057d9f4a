"""The chain over HTTP, read only.

The audit room imports nobody: who is asking is put on the request (`request.actor`) by the
permission class that let the request in.
"""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.decisions import Actor
from audit.models import AuditEvent
from audit.queries import chain_head, events_visible_to
from audit.seal import SealState


def actor_on(request: Request) -> Actor:
    """The actor the permission class found."""
    return cast(Actor, cast(Any, request).actor)


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """An event and its place in the chain, which is null until it is sealed."""

    seal_state = serializers.ChoiceField(choices=SealState, read_only=True)
    sequence = serializers.IntegerField(source="link.sequence", read_only=True, allow_null=True)
    previous_hash = serializers.CharField(
        source="link.previous_hash", read_only=True, allow_null=True
    )
    hash = serializers.CharField(source="link.hash", read_only=True, allow_null=True)

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "seal_state",
            "sequence",
            "kind",
            "subject_type",
            "subject_id",
            "person_id",
            "organization_id",
            "actor_label",
            "occurred_at",
            "recorded_at",
            "data",
            "body",
            "previous_hash",
            "hash",
        ]


class AuditEventViewSet(viewsets.ReadOnlyModelViewSet[AuditEvent]):
    """What happened: one's own organization's acts; for an auditor everybody's."""

    queryset = AuditEvent.objects.none()
    serializer_class = AuditEventSerializer
    filterset_fields = {
        "kind": ["exact"],
        "subject_type": ["exact"],
        "subject_id": ["exact"],
        "person_id": ["exact"],
        "organization_id": ["exact"],
        "occurred_at": ["gte", "lt"],
    }

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return events_visible_to(actor_on(self.request))


class ChainHeadSerializer(serializers.Serializer[Any]):
    sequence = serializers.IntegerField()
    hash = serializers.CharField()


class ChainHeadView(APIView):
    """The head of the chain."""

    @extend_schema(operation_id="audit_chain_head_retrieve", responses=ChainHeadSerializer)
    def get(self, request: Request) -> Response:
        """Sequence and hash of the last link: keep it, and verify against it later."""
        return Response(ChainHeadSerializer(chain_head()).data)
