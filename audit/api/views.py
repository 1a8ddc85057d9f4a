"""The chain over HTTP, read only.

The audit room imports nobody: who is asking is put on the request (`request.actor`) by the
permission class that let the request in.
"""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.checkpoints import checkpoint_of, consistency_proof, inclusion_proof, published_keys
from audit.decisions import Actor, Invalid
from audit.models import AuditEvent, Checkpoint
from audit.queries import chain_head, events_visible_to
from audit.seal import SealState


def actor_on(request: Request) -> Actor:
    """The actor the permission class found."""
    return cast(Actor, cast(Any, request).actor)


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """An event and its place in the chain, which is null until it is sealed."""

    seal_state = serializers.ChoiceField(choices=SealState.choices, read_only=True)
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


class InclusionProofSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="inclusion")
    sequence = serializers.IntegerField()
    previous_hash = serializers.CharField()
    hash = serializers.CharField()
    body = serializers.CharField()
    tree_size = serializers.IntegerField()
    path = serializers.ListField(child=serializers.CharField(), help_text="RFC 9162 2.1.3, hex")
    checkpoint = serializers.CharField(help_text="the signed note")


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

    @extend_schema(
        operation_id="audit_events_proof_retrieve",
        responses=InclusionProofSerializer,
        filters=False,
    )
    @action(detail=True)
    def proof(self, request: Request, pk: str) -> Response:
        """Proof that this event is in the newest signed checkpoint, to be verified offline."""
        return Response(inclusion_proof(self.get_object()))


class ChainHeadSerializer(serializers.Serializer[Any]):
    sequence = serializers.IntegerField()
    hash = serializers.CharField()


class ChainHeadView(APIView):
    """The head of the chain."""

    @extend_schema(operation_id="audit_chain_head_retrieve", responses=ChainHeadSerializer)
    def get(self, request: Request) -> Response:
        """Sequence and hash of the last link: keep it, and verify against it later."""
        return Response(ChainHeadSerializer(chain_head()).data)


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    previous = serializers.IntegerField(source="previous_id", read_only=True, allow_null=True)

    class Meta:
        model = Checkpoint
        fields = [
            "tree_size",
            "root",
            "head_hash",
            "previous",
            "made_at",
            "verifier_key",
            "note",
        ]
        extra_kwargs = {
            "tree_size": {"help_text": "How many links of the chain it is over."},
            "root": {"help_text": "RFC 9162 Merkle root in hexadecimal; leaf: hash of a link."},
            "note": {"help_text": "C2SP signed note: keep it, and verify later exports with it."},
        }


class PublicDoor(APIView):
    """For everybody, without a login: what is published is published."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]


class ConsistencyProofSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="consistency")
    earlier = serializers.CharField(help_text="the earlier signed note")
    checkpoint = serializers.CharField(help_text="the later signed note")
    path = serializers.ListField(child=serializers.CharField(), help_text="RFC 9162 2.1.4, hex")


class CheckpointViewSet(viewsets.ReadOnlyModelViewSet[Checkpoint]):
    """Signed states of the audit chain, for everybody: keep some."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    queryset = Checkpoint.objects.all()
    serializer_class = CheckpointSerializer
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(operation_id="checkpoints_latest_retrieve", responses=CheckpointSerializer)
    @action(detail=False, pagination_class=None, filter_backends=[])
    def latest(self, request: Request) -> Response:
        """The newest one."""
        return Response(CheckpointSerializer(checkpoint_of()).data)

    @extend_schema(
        operation_id="checkpoints_consistency_retrieve",
        parameters=[OpenApiParameter("to", int, description="size of the later; the newest")],
        responses=ConsistencyProofSerializer,
    )
    @action(detail=True)
    def consistency(self, request: Request, pk: str) -> Response:
        """Proof that nothing up to this checkpoint was changed in a later one (RFC 9162 2.1.4)."""
        to = request.query_params.get("to", "")
        if to and not (to.isdecimal() and len(to) <= 18):
            raise Invalid("to", "a number of links", "应为链节数")
        return Response(consistency_proof(int(pk), int(to) if to else None))


class KeysSerializer(serializers.Serializer[Any]):
    keys = serializers.ListField(
        child=serializers.CharField(), help_text="verifier keys, the present one first"
    )


class CheckpointKeysView(PublicDoor):
    """The keys checkpoints were signed with."""

    @extend_schema(operation_id="checkpoint_keys_retrieve", responses=KeysSerializer)
    def get(self, request: Request) -> Response:
        """Write them down once: later answers are compared with your copy."""
        return Response({"keys": published_keys()})
