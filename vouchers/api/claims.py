"""Pay then claim over HTTP: hand in, be reviewed, stand in public notice, be owed."""

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from identity.authentication import actor_of
from identity.permissions import has_role
from identity.roles import GOVERNMENT_ROLES
from vouchers import policy
from vouchers.actions.conclude_claim import conclude_claim
from vouchers.actions.move_claim import (
    appeal_claim,
    hear_appeal,
    hold_claim,
    release_claim,
    supplement_claim,
    withdraw_claim,
)
from vouchers.actions.object_in_notice import decide_objection, object_to
from vouchers.actions.review_claim import pass_claim, reject_claim, return_claim
from vouchers.actions.submit_claim import submit_claim
from vouchers.api import claim_shapes as shapes
from vouchers.api.lookup import checked, named, own_organization, who_and_when
from vouchers.models import Claim, Objection, SubsidyAward

Applying = has_role(*policy.APPLICANTS)
Office = has_role(*policy.REVIEWERS, *policy.DECIDERS)
Deciding = has_role(*policy.DECIDERS)
Holding = has_role(*policy.HOLDERS)
Looking = has_role(*policy.APPLICANTS, *GOVERNMENT_ROLES)
DETAIL = shapes.ClaimDetailSerializer


class ClaimViewSet(viewsets.ReadOnlyModelViewSet[Claim]):
    """Claims: the claimant's own, and those made to the issuer's programmes."""

    queryset = Claim.objects.none()
    permission_classes = [Looking]
    filterset_fields = ["state", "programme", "claimant"]

    def get_queryset(self) -> QuerySet[Claim]:
        rows = policy.visible_claims(actor_of(self.request))
        if self.action == "list":
            return rows.defer("evaluation", "checks", "stated").order_by("-pk")
        return rows.prefetch_related("evidence", "reviews", "objections")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return shapes.ClaimSerializer if self.action == "list" else DETAIL

    def get_permissions(self) -> Any:
        return [Applying()] if self.action == "create" else super().get_permissions()

    @extend_schema(request=shapes.PayThenClaimRequest, responses={201: DETAIL})
    def create(self, request: Request) -> Response:
        """Hand in contract, e-invoices, payment proofs and usage records; the amount follows."""
        body = checked(shapes.PayThenClaimRequest, request)
        programmes = policy.visible_programmes(actor_of(request))
        claim = submit_claim(
            programme=named(programmes, body.pop("programme"), "programme"),
            claimant=own_organization(request),
            **body,
            **who_and_when(request),
        )
        return Response(self.get_serializer(claim).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.ClaimNoteRequest, responses=DETAIL, operation_id="claims_pass")
    @action(detail=True, methods=["post"], url_path="pass", permission_classes=[Office])
    def pass_stage(self, request: Request, pk: str) -> Response:
        """Pass the stage the claim is at, as somebody who answered none before."""
        return self._moved(pass_claim, shapes.ClaimNoteRequest)

    @extend_schema(request=shapes.ClaimReasonRequest, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Office])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down at its stage with a reason; the claimant may appeal."""
        return self._moved(reject_claim, shapes.ClaimReasonRequest)

    @extend_schema(
        request=shapes.ClaimReasonRequest, responses=DETAIL, operation_id="claims_return"
    )
    @action(detail=True, methods=["post"], url_path="return", permission_classes=[Office])
    def send_back(self, request: Request, pk: str) -> Response:
        """Ask for a supplement; the clock stands meanwhile."""
        return self._moved(return_claim, shapes.ClaimReasonRequest)

    @extend_schema(request=shapes.SupplementRequest, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def supplement(self, request: Request, pk: str) -> Response:
        """Hand in what was asked for; the clock runs again."""
        return self._moved(supplement_claim, shapes.SupplementRequest)

    @extend_schema(request=None, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take it back; its evidence is free again."""
        return self._moved(withdraw_claim)

    @extend_schema(request=shapes.ClaimReasonRequest, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def appeal(self, request: Request, pk: str) -> Response:
        """Appeal a rejection; somebody who did not answer before hears it."""
        return self._moved(appeal_claim, shapes.ClaimReasonRequest)

    @extend_schema(request=shapes.AppealDecisionRequest, responses=DETAIL)
    @action(detail=True, methods=["post"], url_path="hear-appeal", permission_classes=[Deciding])
    def hear_appeal(self, request: Request, pk: str) -> Response:
        """Admit the appeal, which reopens the stage that refused, or dismiss it."""
        return self._moved(hear_appeal, shapes.AppealDecisionRequest)

    @extend_schema(request=shapes.ClaimReasonRequest, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Holding])
    def hold(self, request: Request, pk: str) -> Response:
        """Stop it under suspicion; the clock stands."""
        return self._moved(hold_claim, shapes.ClaimReasonRequest)

    @extend_schema(request=None, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Holding])
    def release(self, request: Request, pk: str) -> Response:
        """Let a held claim go on where it was."""
        return self._moved(release_claim)

    @extend_schema(request=None, responses=DETAIL)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def conclude(self, request: Request, pk: str) -> Response:
        """After an undisputed notice: approved, and proposed to the treasury as a payable."""
        return self._moved(conclude_claim)

    def _moved(self, move: Any, shape: Any = None) -> Response:
        more = checked(shape, self.request) if shape else {}
        claim = move(claim=self.get_object(), **more, **who_and_when(self.request))
        fresh = policy.visible_claims(actor_of(self.request)).get(pk=claim.pk)
        return Response(self.get_serializer(fresh).data)


class PublicNoticeViewSet(viewsets.ReadOnlyModelViewSet[Claim]):
    """公示: claims about to be approved, for everybody who is logged in to object to."""

    queryset = Claim.objects.none()
    serializer_class = shapes.PublicClaimSerializer
    permission_classes = [IsAuthenticated]
    filterset_fields = ["programme"]

    def get_queryset(self) -> QuerySet[Claim]:
        rows = Claim.objects.filter(state="public_notice")
        return rows.select_related("claimant", "version__programme", "programme").order_by("pk")

    @extend_schema(request=shapes.ObjectionRequest, responses={201: shapes.ObjectionSerializer})
    @action(detail=True, methods=["post"])
    def object(self, request: Request, pk: str) -> Response:
        """Object while the notice runs."""
        return _objected(self.get_object(), request)


class AwardNoticeViewSet(viewsets.ReadOnlyModelViewSet[SubsidyAward]):
    """公示: awards about to be approved, for everybody who is logged in to object to."""

    queryset = SubsidyAward.objects.none()
    serializer_class = shapes.PublicAwardSerializer
    permission_classes = [IsAuthenticated]

    def get_queryset(self) -> QuerySet[SubsidyAward]:
        rows = SubsidyAward.objects.filter(state="public_notice")
        return rows.select_related("beneficiary", "version__programme").order_by("pk")

    @extend_schema(request=shapes.ObjectionRequest, responses={201: shapes.ObjectionSerializer})
    @action(detail=True, methods=["post"])
    def object(self, request: Request, pk: str) -> Response:
        """Object while the notice runs."""
        return _objected(self.get_object(), request)


def _objected(noticed: Claim | SubsidyAward, request: Request) -> Response:
    objection = object_to(
        noticed=noticed, **checked(shapes.ObjectionRequest, request), **who_and_when(request)
    )
    data = shapes.ObjectionSerializer(objection).data
    return Response(data, status=status.HTTP_201_CREATED)


class ObjectionViewSet(viewsets.ReadOnlyModelViewSet[Objection]):
    """Objections to claims and awards one may see."""

    queryset = Objection.objects.none()
    serializer_class = shapes.ObjectionSerializer
    permission_classes = [Looking]
    filterset_fields = ["state", "claim", "award"]

    def get_queryset(self) -> QuerySet[Objection]:
        actor = actor_of(self.request)
        claims, awards = policy.visible_claims(actor), policy.visible_awards(actor)
        rows = Objection.objects.filter(Q(claim__in=claims) | Q(award__in=awards))
        return rows.select_related(
            *("claim__programme__issuer", "claim__claimant"),
            *("award__version__programme__issuer", "award__beneficiary"),
        ).order_by("-pk")

    @extend_schema(request=shapes.ObjectionDecisionRequest, responses=shapes.ObjectionSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Office])
    def decide(self, request: Request, pk: str) -> Response:
        """Dismiss it, or uphold it and so reject what it stands against."""
        objection = decide_objection(
            objection=self.get_object(),
            **checked(shapes.ObjectionDecisionRequest, request),
            **who_and_when(request),
        )
        return Response(self.get_serializer(objection).data)
