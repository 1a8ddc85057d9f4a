"""Recovery of public money over HTTP."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.permissions import IsActor, has_role
from treasury import policy, queries
from treasury.actions.decide_recovery import contest_recovery, decide_recovery
from treasury.actions.follow_successor import follow_successor, litigate_recovery
from treasury.actions.issue_demand import issue_demand
from treasury.actions.open_recovery import open_recovery, serve_notice
from treasury.actions.plan_instalments import plan_instalments
from treasury.actions.receive_recovery import offset_payable, receive_cash
from treasury.actions.write_off import (
    FRAUD_ANALYSTS,
    approve_write_off,
    check_for_fraud,
    propose_write_off,
    reject_write_off,
)
from treasury.api import recovery_serializers as shapes
from treasury.api.lookup import checked, named
from treasury.api.serializers import ReasonRequest
from treasury.models import RecoveryCase, WriteOff
from treasury.recovery_figures import figures_of, instalments_of

Recoverer = has_role(*policy.RECOVERERS)
FraudAnalyst = has_role(*FRAUD_ANALYSTS)


class RecoveryViewSet(viewsets.ReadOnlyModelViewSet[RecoveryCase]):
    """Cases to get public money back; a debtor sees its own once the notice is served."""

    queryset = RecoveryCase.objects.none()
    serializer_class = shapes.RecoverySerializer
    permission_classes = [Recoverer]
    filterset_fields = ["state", "debtor", "cause", "payable"]

    def get_queryset(self) -> QuerySet[RecoveryCase]:
        return queries.recoveries_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.RecoveryRequest, responses={201: shapes.RecoverySerializer})
    def create(self, request: Request) -> Response:
        """Open a case about a payable that was paid."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.RecoveryRequest, request)
        payable = named(queries.payables_visible_to(actor), body.pop("payable"), "payable")
        case = open_recovery(payable=payable, **body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(case).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=shapes.RecoveryStandSerializer)
    @action(detail=True, methods=["get"])
    def stand(self, request: Request, pk: str) -> Response:
        """Figures from the ledger, receipts, and the newest instalment plan."""
        case = self.get_object()
        today = timezone.now().astimezone(policy.SHANGHAI).date()
        stand = {
            "figures": figures_of([case])[case.pk],
            "receipts": case.receipts.order_by("pk"),
            "instalments": instalments_of(case, today=today),
        }
        return Response(shapes.RecoveryStandSerializer(stand).data)

    def _moved(self, moved: Callable[..., Any], **more: Any) -> Response:
        case = self.get_object()
        moved(case=case, actor=actor_of(self.request), at=timezone.now(), **more)
        case.refresh_from_db()
        return Response(self.get_serializer(case).data)

    @extend_schema(request=shapes.NoticeDaysRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"], url_path="serve-notice")
    def serve_notice(self, request: Request, pk: str) -> Response:
        """Serve the notice; the debtor may contest for some days."""
        return self._moved(serve_notice, **checked(shapes.NoticeDaysRequest, request))

    @extend_schema(request=shapes.StatementRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsActor])
    def contest(self, request: Request, pk: str) -> Response:
        """The debtor contests the notice."""
        return self._moved(contest_recovery, **checked(shapes.StatementRequest, request))

    @extend_schema(request=shapes.DecisionRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Decide what was contested; by another person than opened it. 0 fen dismisses the case."""
        return self._moved(decide_recovery, **checked(shapes.DecisionRequest, request))

    @extend_schema(request=shapes.DemandRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"])
    def demand(self, request: Request, pk: str) -> Response:
        """Issue the demand: from here on the money is owed, and in the books."""
        return self._moved(issue_demand, **checked(shapes.DemandRequest, request))

    @extend_schema(request=shapes.CashRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"])
    def cash(self, request: Request, pk: str) -> Response:
        """Book a payment of the debtor, once for its bank line."""
        return self._moved(receive_cash, **checked(shapes.CashRequest, request))

    @extend_schema(request=shapes.OffsetRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"])
    def offset(self, request: Request, pk: str) -> Response:
        """Keep what is outstanding from an approved payable of the debtor."""
        body: dict[str, Any] = checked(shapes.OffsetRequest, request)
        rows = queries.payables_visible_to(actor_of(request))
        return self._moved(offset_payable, payable=named(rows, body["payable"], "payable"))

    @extend_schema(request=shapes.PlanRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"], url_path="plan-instalments")
    def plan_instalments(self, request: Request, pk: str) -> Response:
        """Agree on instalments for exactly what is outstanding."""
        body: dict[str, Any] = checked(shapes.PlanRequest, request)
        parts = [(part["due_date"], part["amount_fen"]) for part in body["parts"]]
        return self._moved(plan_instalments, parts=parts)

    @extend_schema(request=None, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"], url_path="follow-successor")
    def follow_successor(self, request: Request, pk: str) -> Response:
        """The registered successor of the debtor becomes the debtor."""
        return self._moved(follow_successor)

    @extend_schema(request=shapes.CourtRequest, responses=shapes.RecoverySerializer)
    @action(detail=True, methods=["post"])
    def litigate(self, request: Request, pk: str) -> Response:
        """Go to court."""
        return self._moved(litigate_recovery, **checked(shapes.CourtRequest, request))


class WriteOffViewSet(viewsets.ReadOnlyModelViewSet[WriteOff]):
    """What will not come back: a fraud check, two approvals, visible for good."""

    queryset = WriteOff.objects.none()
    serializer_class = shapes.WriteOffSerializer
    permission_classes = [Recoverer]
    filterset_fields = ["state", "case", "fraud_result"]

    def get_queryset(self) -> QuerySet[WriteOff]:
        return queries.write_offs_visible_to(actor_of(self.request))

    @extend_schema(request=shapes.WriteOffRequest, responses={201: shapes.WriteOffSerializer})
    def create(self, request: Request) -> Response:
        """Propose to give up a part of what is outstanding."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.WriteOffRequest, request)
        case = named(queries.recoveries_visible_to(actor), body.pop("case"), "case")
        write_off = propose_write_off(case=case, **body, actor=actor, at=timezone.now())
        return Response(self.get_serializer(write_off).data, status=status.HTTP_201_CREATED)

    def _moved(self, moved: Callable[..., Any], **more: Any) -> Response:
        write_off = moved(
            write_off=self.get_object(), actor=actor_of(self.request), at=timezone.now(), **more
        )
        return Response(self.get_serializer(write_off).data)

    @extend_schema(request=shapes.FraudCheckRequest, responses=shapes.WriteOffSerializer)
    @action(
        detail=True, methods=["post"], url_path="fraud-check", permission_classes=[FraudAnalyst]
    )
    def fraud_check(self, request: Request, pk: str) -> Response:
        """A fraud analyst says what was looked at, and what was found."""
        return self._moved(check_for_fraud, **checked(shapes.FraudCheckRequest, request))

    @extend_schema(request=None, responses=shapes.WriteOffSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve; the second approval, by another person, writes it off."""
        return self._moved(approve_write_off)

    @extend_schema(request=ReasonRequest, responses=shapes.WriteOffSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down; the debt stands."""
        return self._moved(reject_write_off, **checked(ReasonRequest, request))
