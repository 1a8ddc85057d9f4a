"""Vouchers and what they were spent on, over HTTP."""

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import IsActor, has_role
from vouchers import policy, queries
from vouchers.actions.issue_voucher import claim_voucher
from vouchers.actions.quote_voucher_part import quote_voucher_part
from vouchers.actions.redeem_vouchers import redeem_voucher
from vouchers.api import serializers as shapes
from vouchers.api.lookup import checked, named, who_and_when
from vouchers.models import Redemption, Voucher

Applying = has_role(*policy.APPLICANTS)


class VoucherViewSet(viewsets.ReadOnlyModelViewSet[Voucher]):
    """Vouchers with their balances: the holder's own, and those the issuer issued."""

    queryset = Voucher.objects.none()
    serializer_class = shapes.VoucherSerializer
    filterset_fields = ["state", "programme", "holder"]

    def get_queryset(self) -> QuerySet[Voucher]:
        return queries.with_spending(policy.visible_vouchers(actor_of(self.request)))

    @extend_schema(request=None, responses=shapes.VoucherSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def claim(self, request: Request, pk: str) -> Response:
        """Take the voucher one was issued."""
        claim_voucher(voucher=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=shapes.PartRequest, responses=shapes.VoucherPartSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsActor])
    def quote(self, request: Request, pk: str) -> Response:
        """What part of an order this voucher would pay now, and why. Changes nothing."""
        body = checked(shapes.PartRequest, request)
        provider = None
        if "provider" in body:
            provider = named(Organization.objects.all(), body["provider"], "provider")
        part = quote_voucher_part(
            voucher=self.get_object(),
            order_amount_fen=body["order_amount_fen"],
            provider=provider,
            at=timezone.now(),
        )
        return Response(shapes.VoucherPartSerializer(part).data)

    @extend_schema(request=shapes.RedeemRequest, responses=shapes.RedemptionSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def redeem(self, request: Request, pk: str) -> Response:
        """Pay part of an order at once. The same order again is answered with its redemption."""
        body = checked(shapes.RedeemRequest, request)
        redemption = redeem_voucher(
            voucher=self._to_spend(request, pk),
            order_reference=body["order_reference"],
            order_amount_fen=body["order_amount_fen"],
            amount_fen=body["amount_fen"],
            provider=named(Organization.objects.all(), body["provider"], "provider"),
            **who_and_when(request),
        )
        return Response(shapes.RedemptionSerializer(redemption).data)

    def _to_spend(self, request: Request, pk: str) -> Voucher:
        return get_object_or_404(policy.vouchers_to_spend(actor_of(request)), pk=pk)


class RedemptionViewSet(viewsets.ReadOnlyModelViewSet[Redemption]):
    """What vouchers hold for orders and what orders spent: holder's, provider's, issuer's."""

    queryset = Redemption.objects.none()
    serializer_class = shapes.RedemptionSerializer
    filterset_fields = ["state", "voucher", "provider", "order_reference"]

    def get_queryset(self) -> QuerySet[Redemption]:
        return policy.visible_redemptions(actor_of(self.request))
