"""The storefront over HTTP: workloads, orders, charges, payments, clearing."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import has_role
from identity.roles import Role
from marketplace.actions.accept_placement import accept_placement
from marketplace.actions.clear_charges import clear_charges
from marketplace.actions.pay_charge import pay_charge
from marketplace.actions.refund_charge import refund_charge
from marketplace.actions.request_workload import request_workload
from marketplace.api.serializers import (
    AcceptRequest,
    ChargeSerializer,
    ClearingRequest,
    ClearingRunSerializer,
    OrderSerializer,
    PaymentSerializer,
    PayRequest,
    RefundRequest,
    RefundSerializer,
    WorkloadRequest,
    WorkloadSerializer,
)
from marketplace.models import Charge, ClearingRun, Order, Payment, Refund
from marketplace.queries import (
    visible_charges,
    visible_clearing_runs,
    visible_orders,
    visible_payments,
    visible_refunds,
)
from scheduling.actions.cancel_workload import cancel_workload, resubmit_workload
from scheduling.models import Workload
from scheduling.policy import visible_placements, visible_workloads

BUYERS = has_role(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)
SELLERS = has_role(Role.PROVIDER_ADMIN)
FINANCE = has_role(Role.BATCH_MAKER, Role.FINANCE_REVIEWER, Role.BUDGET_OFFICER)


class Reading(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """List and retrieve."""


class WorkloadViewSet(Reading):
    """What enterprises want computed."""

    queryset = Workload.objects.none()
    serializer_class = WorkloadSerializer
    filterset_fields = ["state", "reference", "sample"]

    def get_queryset(self) -> QuerySet[Workload]:
        return visible_workloads(actor_of(self.request))

    def get_permissions(self) -> Any:
        return [BUYERS()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(request=WorkloadRequest, responses={201: WorkloadSerializer})
    def create(self, request: Request) -> Response:
        """Submit a workload; the next matching run places it or says why not."""
        asked = WorkloadRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        workload = request_workload(
            **asked.validated_data, actor=actor_of(request), at=timezone.now()
        )
        return Response(WorkloadSerializer(workload).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=WorkloadSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take a workload back before a placement is accepted."""
        return self._moved(cancel_workload, request)

    @extend_schema(request=None, responses=WorkloadSerializer)
    @action(detail=True, methods=["post"])
    def resubmit(self, request: Request, pk: str) -> Response:
        """Let the next matching run try an unplaced workload again."""
        return self._moved(resubmit_workload, request)

    def _moved(self, move: Callable[..., Workload], request: Request) -> Response:
        actor = actor_of(request)
        workload = get_object_or_404(
            self.get_queryset().filter(enterprise_id=actor.organization_id), pk=self.kwargs["pk"]
        )
        moved = move(workload=workload, actor=actor, at=timezone.now())
        return Response(WorkloadSerializer(moved).data)


class OrderViewSet(Reading):
    """Accepted placements: the voucher's hold and the capacity taken together."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    filterset_fields = ["state"]

    def get_queryset(self) -> QuerySet[Order]:
        return visible_orders(actor_of(self.request))

    def get_permissions(self) -> Any:
        return [BUYERS()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(request=AcceptRequest, responses={201: OrderSerializer})
    def create(self, request: Request) -> Response:
        """Accept a placement at the price and voucher part it shows."""
        asked = AcceptRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        actor = actor_of(request)
        placement = get_object_or_404(
            visible_placements(actor).filter(workload__enterprise_id=actor.organization_id),
            pk=asked.validated_data["placement"],
        )
        order = accept_placement(placement=placement, actor=actor, at=timezone.now())
        return Response(OrderSerializer(order).data, status=status.HTTP_201_CREATED)


class ChargeViewSet(Reading):
    """Metered usage at its price, split between voucher and enterprise."""

    queryset = Charge.objects.none()
    serializer_class = ChargeSerializer
    filterset_fields = ["order"]

    def get_queryset(self) -> QuerySet[Charge]:
        return visible_charges(actor_of(self.request))

    @extend_schema(
        operation_id="charges_refund", request=RefundRequest, responses={201: RefundSerializer}
    )
    @action(detail=True, methods=["post"], permission_classes=[SELLERS])
    def refund(self, request: Request, pk: str) -> Response:
        """Give back part of a charge one received, split as it was paid."""
        asked = RefundRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        actor = actor_of(request)
        refund = refund_charge(
            **asked.validated_data,
            charge=get_object_or_404(
                self.get_queryset().filter(order__provider_id=actor.organization_id), pk=pk
            ),
            actor=actor,
            at=timezone.now(),
        )
        return Response(RefundSerializer(refund).data, status=status.HTTP_201_CREATED)


class RefundViewSet(Reading):
    """What was given back, to whom."""

    queryset = Refund.objects.none()
    serializer_class = RefundSerializer
    filterset_fields = ["state", "charge"]

    def get_queryset(self) -> QuerySet[Refund]:
        return visible_refunds(actor_of(self.request))


class PaymentViewSet(Reading):
    """The enterprise's own part."""

    queryset = Payment.objects.none()
    serializer_class = PaymentSerializer
    filterset_fields = ["state"]

    def get_queryset(self) -> QuerySet[Payment]:
        return visible_payments(actor_of(self.request))

    @extend_schema(request=PayRequest, responses=PaymentSerializer)
    @action(detail=True, methods=["post"], permission_classes=[BUYERS])
    def pay(self, request: Request, pk: str) -> Response:
        """Pay through the gateway; the state follows with its webhook."""
        asked = PayRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        payment = pay_charge(
            payment=self.get_object(),
            payment_method=asked.validated_data["payment_method"],
            actor=actor_of(request),
            at=timezone.now(),
        )
        return Response(PaymentSerializer(payment).data)


class ClearingRunViewSet(Reading):
    """Who owes whom for charges not yet cleared."""

    queryset = ClearingRun.objects.none()
    serializer_class = ClearingRunSerializer

    def get_queryset(self) -> QuerySet[ClearingRun]:
        return visible_clearing_runs(actor_of(self.request))

    def get_permissions(self) -> Any:
        return [FINANCE()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(request=ClearingRequest, responses={201: ClearingRunSerializer})
    def create(self, request: Request) -> Response:
        """Clear; the government's part becomes proposed payables for others to approve."""
        asked = ClearingRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        actor = actor_of(request)
        run = clear_charges(
            issuer=Organization.objects.get(pk=actor.organization_id or 0),
            upto=asked.validated_data["upto"],
            actor=actor,
            at=timezone.now(),
        )
        answer = visible_clearing_runs(actor).get(pk=run.pk)
        return Response(ClearingRunSerializer(answer).data, status=status.HTTP_201_CREATED)
