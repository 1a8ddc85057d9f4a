"""What the bank is asked and says, beyond single batches, over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identity.authentication import actor_of
from identity.permissions import has_role
from treasury import queries
from treasury.actions.clear_suspense import clear_suspense
from treasury.actions.enquire_item import answer_enquiry
from treasury.actions.read_bank_notice import read_bank_notice
from treasury.actions.suspend_return import KEEPERS, suspend_return
from treasury.api import bank_serializers as shapes
from treasury.api.budgets import own_organization
from treasury.api.lookup import checked, named
from treasury.models import BankEnquiry, SuspenseEntry

Keeper = has_role(*KEEPERS)


class BankNoticeView(APIView):
    """The bank's notices of booked entries."""

    permission_classes = [Keeper]

    @extend_schema(
        operation_id="bank_notices_create",
        request=shapes.NoticeRequest,
        responses=shapes.NoticeReadSerializer,
    )
    def post(self, request: Request) -> Response:
        """Read a camt.054 over all batches: payments, late returns, and what it cannot name."""
        body: dict[str, Any] = checked(shapes.NoticeRequest, request)
        read = read_bank_notice(
            issuer=own_organization(request),
            content=body["camt054"],
            actor=actor_of(request),
            at=timezone.now(),
        )
        return Response(shapes.NoticeReadSerializer(read).data)


class BankEnquiryViewSet(viewsets.ReadOnlyModelViewSet[BankEnquiry]):
    """Questions to the bank about payments of unknown outcome."""

    queryset = BankEnquiry.objects.none()
    serializer_class = shapes.EnquirySerializer
    permission_classes = [Keeper]
    filterset_fields = ["item", "item__batch"]

    def get_queryset(self) -> QuerySet[BankEnquiry]:
        return queries.enquiries_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.BankSaidRequest, responses=shapes.EnquirySerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Keep the bank's answer; the payment moves by the bank's file or row."""
        body: dict[str, Any] = checked(shapes.BankSaidRequest, request)
        enquiry = answer_enquiry(
            enquiry=self.get_object(), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(enquiry).data)


class SuspenseViewSet(viewsets.ReadOnlyModelViewSet[SuspenseEntry]):
    """Bank returns nobody could name; none may be left at a close."""

    queryset = SuspenseEntry.objects.none()
    serializer_class = shapes.SuspenseSerializer
    permission_classes = [Keeper]
    filterset_fields = ["state", "book"]

    def get_queryset(self) -> QuerySet[SuspenseEntry]:
        return queries.suspense_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.SuspenseRequest, responses={201: shapes.SuspenseSerializer})
    def create(self, request: Request) -> Response:
        """Book an unidentified return; once for a bank reference."""
        body: dict[str, Any] = checked(shapes.SuspenseRequest, request)
        entry = suspend_return(
            issuer=own_organization(request), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(entry).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.ClearRequest, responses=shapes.SuspenseSerializer)
    @action(detail=True, methods=["post"])
    def clear(self, request: Request, pk: str) -> Response:
        """Say what it is; by another person than booked it."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.ClearRequest, request)
        if body["item"] is not None:
            body["item"] = named(queries.items_visible_to(actor), body["item"], "item")
        entry = clear_suspense(entry=self.get_object(), **body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(entry).data)
