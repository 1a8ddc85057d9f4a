"""The suppliers' evidence over HTTP: meters, readings, certificates, ratings."""

import json
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import Invalid
from identity.authentication import actor_of
from identity.permissions import IsActor, has_role
from identity.roles import Role
from providers import queries
from providers.actions.add_meter import add_meter
from providers.actions.allocate_certificates import allocate_certificates
from providers.actions.approve_rating import approve_rating
from providers.actions.challenge_rating import challenge_rating
from providers.actions.draft_rating import draft_rating
from providers.actions.ingest_readings import ingest_readings
from providers.actions.issue_meter_key import issue_meter_key
from providers.actions.register_certificates import NewCertificate, register_certificates
from providers.actions.reject_rating import reject_rating
from providers.actions.retire_certificates import retire_certificates
from providers.actions.revoke_meter_key import revoke_meter_key
from providers.actions.revoke_rating import revoke_rating
from providers.actions.submit_rating import submit_rating
from providers.actions.uphold_rating import uphold_rating
from providers.actions.verify_rating import verify_rating
from providers.api import serializers as shapes
from providers.api.reading_batches import rows_of
from providers.api.views import Reading, asked, provider_of
from providers.models import (
    GreenCertificate,
    GreenRating,
    Meter,
    MeterGap,
    MeterKey,
    MeterReading,
)

RATERS = has_role(Role.PROVIDER_ADMIN, Role.RATING_VERIFIER, Role.FRAUD_ANALYST)


class MeterViewSet(Reading):
    """Meters of facilities and pools."""

    queryset = Meter.objects.none()
    serializer_class = shapes.MeterSerializer
    filterset_fields = ["facility", "kind", "pool"]

    def get_queryset(self) -> QuerySet[Meter]:
        return queries.visible_meters(actor_of(self.request))

    @extend_schema(request=shapes.MeterRequest, responses={201: shapes.MeterSerializer})
    def create(self, request: Request) -> Response:
        """Name a meter of a facility of one's own."""
        actor, body = actor_of(request), asked(shapes.MeterRequest, request)
        body["facility"] = get_object_or_404(queries.visible_facilities(actor), pk=body["facility"])
        if body["pool"] is not None:
            body["pool"] = get_object_or_404(queries.visible_pools(actor), pk=body["pool"])
        meter = add_meter(**body, actor=actor, at=timezone.now())
        return Response(shapes.MeterSerializer(meter).data, status=status.HTTP_201_CREATED)


class MeterReadingViewSet(Reading):
    """Interval readings, kept for ever."""

    queryset = MeterReading.objects.none()
    serializer_class = shapes.MeterReadingSerializer
    filterset_fields = ["meter", "meter__facility", "state", "reason"]

    def get_queryset(self) -> QuerySet[MeterReading]:
        return queries.visible_readings(actor_of(self.request))

    @extend_schema(
        request=shapes.ReadingBatchRequest, responses={201: shapes.IngestResultSerializer}
    )
    def create(self, request: Request) -> Response:
        """Take a batch in; sending it again changes nothing. Every row's fate is told."""
        actor, batch = actor_of(request), request.data
        if not isinstance(batch, dict) or not isinstance(batch.get("facility"), int):
            raise Invalid("facility", "the number of a facility", "须为设施编号")
        source = batch.get("source")
        if not isinstance(source, str) or not 0 < len(source) <= 200:
            raise Invalid("source", "1 to 200 characters", "须为 1 至 200 个字符")
        facility = get_object_or_404(queries.visible_facilities(actor), pk=batch["facility"])
        rows = rows_of(batch, list(facility.meters.all()))
        result = ingest_readings(
            facility=facility, source=source, readings=rows, actor=actor, at=timezone.now()
        )
        body = shapes.IngestResultSerializer(result).data
        return Response(body, status=status.HTTP_201_CREATED)


class MeterKeyViewSet(Reading):
    """Keys of meter agents."""

    queryset = MeterKey.objects.none()
    serializer_class = shapes.MeterKeySerializer
    filterset_fields = ["facility", "key_id"]

    def get_queryset(self) -> QuerySet[MeterKey]:
        return queries.visible_meter_keys(actor_of(self.request))

    @extend_schema(request=shapes.MeterKeyRequest, responses={201: shapes.MeterKeySerializer})
    def create(self, request: Request) -> Response:
        """Enter an agent's public key, or make an HMAC secret that is shown once."""
        actor, body = actor_of(request), asked(shapes.MeterKeyRequest, request)
        body["facility"] = get_object_or_404(queries.visible_facilities(actor), pk=body["facility"])
        key, secret = issue_meter_key(**body, actor=actor, at=timezone.now())
        told = dict(shapes.MeterKeySerializer(key).data) | ({"secret": secret} if secret else {})
        return Response(told, status=status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """What it signs from now on is refused."""
        key = revoke_meter_key(key=self.get_object(), actor=actor_of(request), at=timezone.now())
        return Response(shapes.MeterKeySerializer(key).data)


class MeterGapViewSet(Reading):
    """Hours for which a meter gave nothing usable: records, never estimates."""

    queryset = MeterGap.objects.none()
    serializer_class = shapes.MeterGapSerializer
    filterset_fields = ["meter", "meter__facility"]
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> QuerySet[MeterGap]:
        return queries.visible_gaps(actor_of(self.request))


class CertificateViewSet(Reading):
    """Green electricity certificates (绿证), 1 MWh each."""

    queryset = GreenCertificate.objects.none()
    serializer_class = shapes.CertificateSerializer
    filterset_fields = ["state", "backs", "vintage", "serial", "allocation__facility"]

    def get_queryset(self) -> QuerySet[GreenCertificate]:
        return queries.visible_certificates(actor_of(self.request))

    @extend_schema(request=shapes.CertificatesRequest, responses={201: shapes.CountSerializer})
    def create(self, request: Request) -> Response:
        """Register certificates of one's own, all or none."""
        actor, body = actor_of(request), asked(shapes.CertificatesRequest, request)
        count = register_certificates(
            owner=provider_of(actor),
            certificates=[NewCertificate(**each) for each in body["certificates"]],
            sample=body["sample"],
            actor=actor,
            at=timezone.now(),
        )
        return Response({"count": count}, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.AllocateRequest, responses=shapes.CountSerializer)
    @action(detail=False, methods=["post"])
    def allocate(self, request: Request) -> Response:
        """Let certificates count for one facility and period, once; all or none."""
        return self._counted(allocate_certificates, shapes.AllocateRequest, request)

    @extend_schema(request=shapes.RetireRequest, responses=shapes.CountSerializer)
    @action(detail=False, methods=["post"])
    def retire(self, request: Request) -> Response:
        """allocated → retired; all or none."""
        return self._counted(retire_certificates, shapes.RetireRequest, request)

    def _counted(self, act: Any, shape: Any, request: Request) -> Response:
        actor, body = actor_of(request), asked(shape, request)
        body["facility"] = get_object_or_404(queries.visible_facilities(actor), pk=body["facility"])
        return Response({"count": act(**body, actor=actor, at=timezone.now())})


class RatingViewSet(Reading):
    """Green ratings; null tier = unrated."""

    queryset = GreenRating.objects.none()
    serializer_class = shapes.RatingSerializer
    filterset_fields = ["facility", "state", "green_tier"]

    def get_queryset(self) -> QuerySet[GreenRating]:
        return queries.visible_ratings(actor_of(self.request))

    def get_permissions(self) -> list[Any]:
        return [RATERS()] if self.request.method == "POST" else [IsActor()]

    @extend_schema(request=shapes.DraftRatingRequest, responses={201: shapes.RatingSerializer})
    def create(self, request: Request) -> Response:
        """Draft a rating from what is stored: the score it would have and what would raise it."""
        actor, body = actor_of(request), asked(shapes.DraftRatingRequest, request)
        body["facility"] = get_object_or_404(queries.visible_facilities(actor), pk=body["facility"])
        rating = draft_rating(**body, actor=actor, at=timezone.now())
        return Response(shapes.RatingSerializer(rating).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, pk: str) -> Response:
        """draft → submitted, by the provider; the system then computes it anew: → auto_checked
        when byte for byte the same, → rejected when the evidence has changed."""
        return self._moved(submit_rating, request)

    @extend_schema(request=shapes.VerifyRequest)
    @action(detail=True, methods=["post"])
    def verify(self, request: Request, pk: str) -> Response:
        """auto_checked → verified, by a third party who will not approve it."""
        return self._moved(verify_rating, request, shapes.VerifyRequest)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """auto_checked → approved, by a verifier who is not of the provider."""
        return self._moved(approve_rating, request)

    @extend_schema(request=shapes.RatingReasonRequest)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """auto_checked → rejected."""
        return self._moved(reject_rating, request, shapes.RatingReasonRequest)

    @extend_schema(request=shapes.RatingReasonRequest)
    @action(detail=True, methods=["post"])
    def challenge(self, request: Request, pk: str) -> Response:
        """approved → challenged; it stays in force meanwhile."""
        return self._moved(challenge_rating, request, shapes.RatingReasonRequest)

    @extend_schema(request=shapes.RatingReasonRequest)
    @action(detail=True, methods=["post"])
    def uphold(self, request: Request, pk: str) -> Response:
        """challenged → approved."""
        return self._moved(uphold_rating, request, shapes.RatingReasonRequest)

    @extend_schema(request=shapes.RevokeRequest)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """→ revoked, out of force from a date on."""
        return self._moved(revoke_rating, request, shapes.RevokeRequest)

    @extend_schema(responses=shapes.BundleSerializer)
    @action(detail=True)
    def bundle(self, request: Request, pk: str) -> Response:
        """Everything an outsider needs to recompute the rating."""
        rating = self.get_object()
        return Response(
            {
                "input": json.loads(rating.bundle.input),
                "output": json.loads(rating.bundle.output),
                "input_sha256": rating.input_digest,
                "output_sha256": rating.output_digest,
            }
        )

    def _moved(self, move: Any, request: Request, shape: Any = None) -> Response:
        body = asked(shape, request) if shape else {}
        rating = move(rating=self.get_object(), **body, actor=actor_of(request), at=timezone.now())
        return Response(shapes.RatingSerializer(rating).data)
