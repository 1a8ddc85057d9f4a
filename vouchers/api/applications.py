"""From question to voucher over HTTP: ask, apply, be decided on, receive."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from identity.authentication import actor_of
from identity.permissions import has_role
from identity.roles import Role
from vouchers import policy, queries
from vouchers.actions.apply_for_voucher import apply_for_voucher
from vouchers.actions.ask_entitlement import ask_entitlement
from vouchers.actions.interrupt_application import (
    appeal_application,
    hear_application,
    return_application,
    supplement_application,
)
from vouchers.actions.issue_voucher import issue_voucher
from vouchers.actions.review_application import (
    approve_application,
    recommend_application,
    reject_application,
    withdraw_application,
)
from vouchers.api import serializers as shapes
from vouchers.api.lookup import checked, named, own_organization, who_and_when
from vouchers.models import Application, EntitlementAnswer

Asking = has_role(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)
Applying = has_role(*policy.APPLICANTS)
Review = has_role(*policy.REVIEWERS)
Deciding = has_role(*policy.DECIDERS)
Office = has_role(*policy.REVIEWERS, *policy.DECIDERS)


class EntitlementViewSet(viewsets.ReadOnlyModelViewSet[EntitlementAnswer]):
    """Questions asked before applying, with the whole answer, kept for replay."""

    queryset = EntitlementAnswer.objects.none()
    serializer_class = shapes.EntitlementAnswerSerializer
    permission_classes = [Asking]
    filterset_fields = ["version"]

    def get_queryset(self) -> QuerySet[EntitlementAnswer]:
        return policy.visible_answers(actor_of(self.request))

    @extend_schema(
        request=shapes.QuestionRequest, responses={201: shapes.EntitlementAnswerSerializer}
    )
    def create(self, request: Request) -> Response:
        """What is my organization entitled to, why, and what would change it?"""
        body = checked(shapes.QuestionRequest, request)
        actor = actor_of(request)
        answer = ask_entitlement(
            programme=named(policy.visible_programmes(actor), body["programme"], "programme"),
            enterprise=own_organization(request),
            facts=body["facts"],
            **who_and_when(request),
        )
        return Response(self.get_serializer(answer).data, status=status.HTTP_201_CREATED)


class ApplicationViewSet(viewsets.ReadOnlyModelViewSet[Application]):
    """Applications: the applicant's own, and those made to the issuer's programmes."""

    queryset = Application.objects.none()
    permission_classes = [Applying]
    filterset_fields = ["state", "programme", "applicant"]

    def get_queryset(self) -> QuerySet[Application]:
        rows = policy.visible_applications(actor_of(self.request))
        return rows.defer("facts", "evaluation") if self.action == "list" else rows

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "list":
            return shapes.ApplicationSerializer
        return shapes.ApplicationDetailSerializer

    @extend_schema(
        request=shapes.QuestionRequest, responses={201: shapes.ApplicationDetailSerializer}
    )
    def create(self, request: Request) -> Response:
        """Apply; an application the terms grant nothing to is refused with every reason."""
        body = checked(shapes.QuestionRequest, request)
        actor = actor_of(request)
        application = apply_for_voucher(
            programme=named(policy.visible_programmes(actor), body["programme"], "programme"),
            applicant=own_organization(request),
            facts=body["facts"],
            **who_and_when(request),
        )
        return Response(self.get_serializer(application).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.ApplicationDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Review])
    def recommend(self, request: Request, pk: str) -> Response:
        """Recommend it, as the first of two officers."""
        return self._moved(recommend_application)

    @extend_schema(request=None, responses=shapes.ApplicationDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Deciding])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve it, as another person; the envelope promises the money."""
        return self._moved(approve_application)

    @extend_schema(request=shapes.RejectionRequest, responses=shapes.ApplicationDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Office])
    def reject(self, request: Request, pk: str) -> Response:
        """Turn it down with a reason."""
        return self._moved(reject_application, **checked(shapes.RejectionRequest, request))

    @extend_schema(request=shapes.RejectionRequest, responses=shapes.ApplicationDetailSerializer)
    @action(detail=True, methods=["post"], url_path="return", permission_classes=[Review])
    def return_(self, request: Request, pk: str) -> Response:
        """Ask for a supplement; the clock stands until it is there."""
        return self._moved(return_application, **checked(shapes.RejectionRequest, request))

    @extend_schema(
        request=shapes.ApplicationSupplementRequest, responses=shapes.ApplicationDetailSerializer
    )
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def supplement(self, request: Request, pk: str) -> Response:
        """Hand in what was asked for; the clock runs again."""
        body = checked(shapes.ApplicationSupplementRequest, request)
        return self._moved(supplement_application, **body)

    @extend_schema(request=shapes.RejectionRequest, responses=shapes.ApplicationDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def appeal(self, request: Request, pk: str) -> Response:
        """Appeal a rejection, once."""
        return self._moved(appeal_application, **checked(shapes.RejectionRequest, request))

    @extend_schema(
        request=shapes.ApplicationAppealRequest, responses=shapes.ApplicationDetailSerializer
    )
    @action(detail=True, methods=["post"], url_path="hear-appeal", permission_classes=[Deciding])
    def hear_appeal(self, request: Request, pk: str) -> Response:
        """Answer the appeal, as somebody who did not answer before."""
        body = checked(shapes.ApplicationAppealRequest, request)
        return self._moved(hear_application, **body)

    @extend_schema(request=None, responses=shapes.ApplicationDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Applying])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take it back before it is approved."""
        return self._moved(withdraw_application)

    @extend_schema(request=shapes.IssueRequest, responses={201: shapes.VoucherSerializer})
    @action(detail=True, methods=["post"], permission_classes=[Office])
    def issue(self, request: Request, pk: str) -> Response:
        """Issue the voucher of an approved application; a second call returns the same."""
        body = checked(shapes.IssueRequest, request)
        actor = actor_of(request)
        voucher = issue_voucher(application=self.get_object(), **body, **who_and_when(request))
        shown = queries.with_spending(policy.visible_vouchers(actor)).get(pk=voucher.pk)
        data = shapes.VoucherSerializer(shown).data
        return Response(data, status=status.HTTP_201_CREATED)

    def _moved(self, move: Any, **more: Any) -> Response:
        application = move(application=self.get_object(), **more, **who_and_when(self.request))
        return Response(self.get_serializer(application).data)
