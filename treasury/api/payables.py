"""What is owed, and the accounts it is paid into, over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import IsActor, has_role
from treasury import policy, queries
from treasury.actions.add_bank_account import add_bank_account
from treasury.actions.approve_payable import approve_payable
from treasury.actions.reject_payable import reject_payable
from treasury.actions.verify_bank_account import verify_bank_account
from treasury.api import serializers as shapes
from treasury.api.lookup import checked, named
from treasury.models import BankAccount, Payable

PayableApproval = has_role(*policy.PAYABLE_APPROVERS)
AccountKeeping = has_role(*policy.ACCOUNT_KEEPERS)


class PayableViewSet(viewsets.ReadOnlyModelViewSet[Payable]):
    """Money owed; a payee sees its own, an issuer those it owes."""

    queryset = Payable.objects.none()
    serializer_class = shapes.PayableSerializer
    filterset_fields = ["state", "kind", "payee", "envelope", "reference"]

    def get_queryset(self) -> QuerySet[Payable]:
        return queries.payables_visible_to(actor_of(self.request))

    @extend_schema(request=None, responses=shapes.PayableSerializer)
    @action(detail=True, methods=["post"], permission_classes=[PayableApproval])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve; the second approval, by another person, makes it owed."""
        payable = approve_payable(
            payable=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(payable).data)

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.PayableSerializer)
    @action(detail=True, methods=["post"], permission_classes=[PayableApproval])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down; its value stays where it was."""
        body: dict[str, Any] = checked(shapes.ReasonRequest, request)
        payable = reject_payable(
            payable=self.get_object(), **body, actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(payable).data)


class BankAccountViewSet(viewsets.ReadOnlyModelViewSet[BankAccount]):
    """Accounts organizations are paid into; entered by one person, verified by another."""

    queryset = BankAccount.objects.none()
    serializer_class = shapes.BankAccountSerializer
    permission_classes = [IsActor]
    filterset_fields = ["organization", "state"]

    def get_queryset(self) -> QuerySet[BankAccount]:
        actor = actor_of(self.request)
        if self.action == "verify" and actor.has(*policy.ACCOUNT_KEEPERS):
            return BankAccount.objects.select_related("organization")
        return queries.bank_accounts_visible_to(actor)

    @extend_schema(request=shapes.BankAccountRequest, responses={201: shapes.BankAccountSerializer})
    def create(self, request: Request) -> Response:
        """Enter an account for one's own organization, or as a treasury officer for a payee."""
        actor = actor_of(request)
        body: dict[str, Any] = checked(shapes.BankAccountRequest, request)
        organizations = Organization.objects.all()
        if not actor.has(*policy.ACCOUNT_KEEPERS):
            organizations = organizations.filter(pk=actor.organization_id or 0)
        account = add_bank_account(
            organization=named(organizations, body.pop("organization"), "organization"),
            **body,
            actor=actor,
            at=timezone.now(),
        )
        return Response(self.get_serializer(account).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.BankAccountSerializer)
    @action(detail=True, methods=["post"], permission_classes=[AccountKeeping])
    def verify(self, request: Request, pk: str) -> Response:
        """Verify an account somebody else entered; it replaces the one before."""
        account = verify_bank_account(
            account=self.get_object(), actor=actor_of(request), at=timezone.now()
        )
        return Response(self.get_serializer(account).data)
