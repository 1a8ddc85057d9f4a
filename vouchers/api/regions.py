"""Vouchers between regions over HTTP: agreements, what is owed, clearings."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import has_role
from identity.roles import GOVERNMENT_ROLES
from vouchers import policy
from vouchers.actions.accrue_clearing import reverse_entry
from vouchers.actions.agree_acceptance import (
    approve_acceptance,
    end_acceptance,
    propose_acceptance,
)
from vouchers.actions.clear_regions import (
    close_clearing,
    confirm_clearing,
    dispute_entry,
    settle_dispute,
)
from vouchers.api import region_shapes as shapes
from vouchers.api.lookup import checked, named, own_organization, who_and_when
from vouchers.models import AcceptanceAgreement, ClearingEntry, Programme, RegionalClearing

Reading = has_role(*sorted(GOVERNMENT_ROLES))
Agreeing = has_role(*policy.AGREERS)
Deciding = has_role(*policy.DECIDERS)


class AcceptanceAgreementViewSet(viewsets.ReadOnlyModelViewSet[AcceptanceAgreement]):
    """Which region accepts whose vouchers, from which day to which, up to which cap."""

    queryset = AcceptanceAgreement.objects.none()
    serializer_class = shapes.AcceptanceAgreementSerializer
    permission_classes = [Reading]
    filterset_fields = ["state", "issuer", "spender"]

    def get_queryset(self) -> QuerySet[AcceptanceAgreement]:
        return policy.visible_acceptances(actor_of(self.request)).order_by("pk")

    @extend_schema(
        request=shapes.AcceptanceRequest, responses={201: shapes.AcceptanceAgreementSerializer}
    )
    def create(self, request: Request) -> Response:
        """Ask another region to accept one's vouchers."""
        body = checked(shapes.AcceptanceRequest, request)
        body["spender"] = named(Organization.objects.all(), body["spender"], "spender")
        body["programmes"] = [
            named(Programme.objects.all(), pk, "programmes") for pk in body["programmes"]
        ]
        agreement = propose_acceptance(
            issuer=own_organization(request), **body, **who_and_when(request)
        )
        return Response(self.get_serializer(agreement).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.AcceptanceAgreementSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Agreeing])
    def approve(self, request: Request, pk: str) -> Response:
        """Sign for one's own side; in force once both did."""
        agreement = approve_acceptance(agreement=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(agreement).data)

    @extend_schema(
        request=shapes.RegionReasonRequest, responses=shapes.AcceptanceAgreementSerializer
    )
    @action(detail=True, methods=["post"], permission_classes=[Agreeing])
    def end(self, request: Request, pk: str) -> Response:
        """End it, or reject one that is not in force; what was held before stands."""
        body = checked(shapes.RegionReasonRequest, request)
        agreement = end_acceptance(agreement=self.get_object(), **body, **who_and_when(request))
        return Response(self.get_serializer(agreement).data)


class ClearingEntryViewSet(viewsets.ReadOnlyModelViewSet[ClearingEntry]):
    """What regions owe each other, redemption by redemption."""

    queryset = ClearingEntry.objects.none()
    serializer_class = shapes.ClearingEntrySerializer
    permission_classes = [Reading]
    filterset_fields = ["kind", "debtor", "creditor", "clearing", "budget_year"]

    def get_queryset(self) -> QuerySet[ClearingEntry]:
        return policy.visible_entries(actor_of(self.request)).order_by("pk")

    @extend_schema(request=shapes.RegionReasonRequest, responses=shapes.ClearingEntrySerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def dispute(self, request: Request, pk: str) -> Response:
        """Take it out of a clearing that is not confirmed by both."""
        body = checked(shapes.RegionReasonRequest, request)
        entry = dispute_entry(entry=self.get_object(), **body, **who_and_when(request))
        return Response(self.get_serializer(entry).data)

    @extend_schema(request=shapes.RegionReasonRequest, responses=shapes.ClearingEntrySerializer)
    @action(detail=True, methods=["post"], url_path="settle-dispute", permission_classes=[Deciding])
    def settle_dispute(self, request: Request, pk: str) -> Response:
        """Let it stand: it waits for the next clearing."""
        body = checked(shapes.RegionReasonRequest, request)
        entry = settle_dispute(entry=self.get_object(), **body, **who_and_when(request))
        return Response(self.get_serializer(entry).data)

    @extend_schema(request=shapes.ReversalRequest, responses={201: shapes.ClearingEntrySerializer})
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def reverse(self, request: Request, pk: str) -> Response:
        """The provider gave something back: it is owed to the issuer, in the next clearing."""
        body = checked(shapes.ReversalRequest, request)
        entry = reverse_entry(entry=self.get_object(), **body, **who_and_when(request))
        return Response(self.get_serializer(entry).data, status=status.HTTP_201_CREATED)


class RegionalClearingViewSet(viewsets.ReadOnlyModelViewSet[RegionalClearing]):
    """Windows between two regions: netted, confirmed by both, settled through the treasury."""

    queryset = RegionalClearing.objects.none()
    serializer_class = shapes.RegionalClearingSerializer
    permission_classes = [Reading]
    filterset_fields = ["state", "one", "other", "budget_year"]

    def get_queryset(self) -> QuerySet[RegionalClearing]:
        return policy.visible_clearings(actor_of(self.request)).order_by("pk")

    @extend_schema(
        request=shapes.CloseClearingRequest, responses={201: shapes.RegionalClearingSerializer}
    )
    def create(self, request: Request) -> Response:
        """Freeze and net what is owed between one's own region and another before `upto`."""
        body = checked(shapes.CloseClearingRequest, request)
        body["with_region"] = named(
            Organization.objects.filter(kind="government"), body["with_region"], "with_region"
        )
        clearing = close_clearing(region=own_organization(request), **body, **who_and_when(request))
        return Response(self.get_serializer(clearing).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.RegionalClearingSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def confirm(self, request: Request, pk: str) -> Response:
        """Confirm for one's own side; the second confirmation posts and pays."""
        clearing = confirm_clearing(clearing=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(clearing).data)
