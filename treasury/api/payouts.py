"""Payout batches over HTTP: made, signed by three people, sent, answered, reconciled."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.permissions import has_role
from identity.roles import Role
from treasury import queries
from treasury.actions.confirm_items import confirm_items
from treasury.actions.enquire_item import enquire_item
from treasury.actions.export_batch import export_batch
from treasury.actions.make_batch import make_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.recall_batch import recall_batch
from treasury.actions.reconcile_batch import close_batch, reconcile_batch
from treasury.actions.reject_batch import reject_batch
from treasury.actions.sign_batch import check_batch, freeze_batch, release_batch
from treasury.api import bank_serializers as banking
from treasury.api import serializers as shapes
from treasury.api.budgets import own_organization
from treasury.api.lookup import checked, named
from treasury.bank_files import BankRow, read_answers
from treasury.iso20022.read_pain002 import read_pain002
from treasury.models import PayoutBatch, PayoutItem
from treasury.refusals import NothingToPay

Maker = has_role(Role.BATCH_MAKER)
Checker = has_role(Role.BATCH_CHECKER)
Releaser = has_role(Role.BATCH_RELEASER)
Carrier = has_role(Role.BATCH_MAKER, Role.BATCH_RELEASER)
Reader = has_role(Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER)
Closer = has_role(Role.BATCH_CHECKER, Role.FINANCE_REVIEWER)
AnySigner = has_role(Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.BATCH_RELEASER)


class CsvRenderer(BaseRenderer):
    """The bank file as it was kept."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        return data.encode() if isinstance(data, str) else str(data).encode()


class XmlRenderer(CsvRenderer):
    """The ISO 20022 file as it was kept."""

    media_type = "application/xml"
    format = "xml"


class PayoutBatchViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PayoutBatch]
):
    """Frozen lists of payments under three signatures."""

    queryset = PayoutBatch.objects.none()
    serializer_class = shapes.PayoutBatchSerializer
    permission_classes = [Maker]
    filterset_fields = ["state", "lineage"]

    def get_queryset(self) -> QuerySet[PayoutBatch]:
        return queries.batches_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.PayoutBatchRequest, responses={201: shapes.PayoutBatchSerializer})
    def create(self, request: Request) -> Response:
        """Make a draft batch from approved payables."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.PayoutBatchRequest, request)
        wanted = set(body["payables"])
        payables = list(queries.payables_visible_to(actor).filter(pk__in=wanted))
        if len(payables) != len(wanted):
            missing = min(wanted - {each.pk for each in payables})
            named(queries.payables_visible_to(actor), missing, "payables")
            raise NothingToPay(field="payables")
        replaces = (
            named(queries.batches_visible_to(actor), body["replaces"], "replaces")
            if body["replaces"] is not None
            else None
        )
        batch = make_batch(
            issuer=own_organization(request),
            payables=payables,
            replaces=replaces,
            actor=actor,
            at=timezone.now(),
        )
        return Response(self.get_serializer(batch).data, status=status.HTTP_201_CREATED)

    def _moved(self, moved: Any, **more: Any) -> Response:
        batch = self.get_object()
        moved(batch=batch, actor=actor_of(self.request), at=timezone.now(), **more)
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)

    @extend_schema(responses=shapes.BatchWarningSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filterset_fields=None)
    def warnings(self, request: Request, pk: str) -> Response:
        """Shared and changed bank accounts, to look at before signing."""
        found = queries.batch_warnings(self.get_object())
        return Response(shapes.BatchWarningSerializer(found, many=True).data)

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"])
    def freeze(self, request: Request, pk: str) -> Response:
        """Freeze with control total, count and hash."""
        return self._moved(freeze_batch)

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Checker])
    def check(self, request: Request, pk: str) -> Response:
        """Second signature."""
        return self._moved(check_batch)

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Releaser])
    def release(self, request: Request, pk: str) -> Response:
        """Third signature."""
        return self._moved(release_batch)

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[AnySigner])
    def reject(self, request: Request, pk: str) -> Response:
        """Send it back; its payables wait for another batch."""
        return self._moved(reject_batch, **checked(shapes.ReasonRequest, request))

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Carrier])
    def export(self, request: Request, pk: str) -> Response:
        """Write the payment file, once; read it at `file`."""
        return self._moved(export_batch)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], renderer_classes=[CsvRenderer])
    def file(self, request: Request, pk: str) -> Response:
        """The payment file, byte for byte as exported."""
        file = self.get_object().bank_files.filter(direction="out", format="csv").first()
        if file is None:
            raise Http404
        return Response(file.content)

    @extend_schema(responses={(200, "application/xml"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], renderer_classes=[XmlRenderer])
    def pain001(self, request: Request, pk: str) -> Response:
        """The payment file as ISO 20022 pain.001, byte for byte as exported; 404 without one."""
        file = self.get_object().bank_files.filter(direction="out", format="pain.001").first()
        if file is None:
            raise Http404
        return Response(file.content)

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[AnySigner])
    def recall(self, request: Request, pk: str) -> Response:
        """Call an exported batch back before the bank's cut-off."""
        return self._moved(recall_batch, **checked(shapes.ReasonRequest, request))

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], url_path="mark-sent", permission_classes=[Carrier])
    def mark_sent(self, request: Request, pk: str) -> Response:
        """The bank has the file."""
        return self._moved(mark_sent)

    @extend_schema(request=shapes.BankAnswerRequest, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Reader])
    def answers(self, request: Request, pk: str) -> Response:
        """Apply the bank's answers, all of them or none."""
        body: dict[str, Any] = checked(shapes.BankAnswerRequest, request)
        if text := body.get("pain002"):
            rows = read_pain002(text, message_id=self.get_object().message_id)
            return self._moved(confirm_items, rows=rows, content=text, format="pain.002")
        text = body.get("csv")
        rows = read_answers(text) if text else [BankRow(**row) for row in body["rows"]]
        return self._moved(confirm_items, rows=rows, content=text, format="csv" if text else "json")

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Closer])
    def reconcile(self, request: Request, pk: str) -> Response:
        """Tie it to the bank's answers; refused while a payment is unknown."""
        return self._moved(reconcile_batch)

    @extend_schema(request=None, responses=shapes.PayoutBatchSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Closer])
    def close(self, request: Request, pk: str) -> Response:
        """Close it for good."""
        return self._moved(close_batch)


class PayoutItemViewSet(viewsets.ReadOnlyModelViewSet[PayoutItem]):
    """Single payments; a payee sees its own."""

    queryset = PayoutItem.objects.none()
    serializer_class = shapes.PayoutItemSerializer
    filterset_fields = ["batch", "state", "payable"]

    def get_queryset(self) -> QuerySet[PayoutItem]:
        return queries.items_visible_to(actor_of(self.request))

    @extend_schema(request=banking.EnquiryRequest, responses={201: banking.EnquirySerializer})
    @action(detail=True, methods=["post"], permission_classes=[Reader])
    def enquire(self, request: Request, pk: str) -> Response:
        """Record what the bank was asked about a payment of unknown outcome."""
        body: dict[str, Any] = checked(banking.EnquiryRequest, request)
        enquiry = enquire_item(
            item=self.get_object(), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(banking.EnquirySerializer(enquiry).data, status=status.HTTP_201_CREATED)
