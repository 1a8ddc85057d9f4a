"""Programmes over HTTP: the presets they open from, the programmes, their dated terms."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from identity.authentication import actor_of
from identity.permissions import has_role
from treasury.queries import envelopes_visible_to
from vouchers import policy
from vouchers.actions.activate_programme import activate_programme
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.actions.open_programme import open_programme
from vouchers.api import serializers as shapes
from vouchers.api.lookup import checked, named, own_organization, who_and_when
from vouchers.models import PolicyVersion, Preset, Programme
from vouchers.presets import evaluate_rule, schema_of
from vouchers.queries import stacking_problems
from vouchers.refusals import TermsRefused
from vouchers.rules import RuleError, TermsProblem
from vouchers.rules.read_terms import TermsCheck, check_terms, problem_of, read_terms

Drafting = has_role(*policy.DRAFTERS)
Approval = has_role(*policy.APPROVERS)
Activation = has_role(*policy.APPROVERS, *policy.DRAFTERS)


class PresetViewSet(viewsets.ReadOnlyModelViewSet[Preset]):
    """The real programmes and rules as their sources print them; unknown stays null."""

    queryset = Preset.objects.all()
    lookup_value_regex = "[^/]+"
    filterset_fields = ["family", "kind", "adcode", "state", "openable"]

    def get_queryset(self) -> QuerySet[Preset]:
        rows = super().get_queryset()
        return rows.defer("document") if self.action == "list" else rows

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "list":
            return shapes.PresetSerializer
        return shapes.PresetDetailSerializer

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"], url_path="facts-schema")
    def facts_schema(self, request: Request, pk: str) -> Response:
        """JSON Schema of the facts this preset takes."""
        try:
            return Response(schema_of(self.get_object().pk))
        except RuleError as error:
            raise TermsRefused(error) from error

    @extend_schema(request=shapes.PresetQuestionRequest, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def evaluate(self, request: Request, pk: str) -> Response:
        """What the preset grants for the given facts, with each reason and step. Stores nothing."""
        body = checked(shapes.PresetQuestionRequest, request)
        try:
            return Response(
                evaluate_rule(self.get_object().pk, body["facts"], body.get("at", timezone.now()))
            )
        except RuleError as error:
            raise TermsRefused(error) from error


class ProgrammeViewSet(viewsets.ReadOnlyModelViewSet[Programme]):
    """Funded policies; drafts are their issuer's own."""

    queryset = Programme.objects.none()
    serializer_class = shapes.ProgrammeSerializer
    permission_classes = [Drafting]
    filterset_fields = ["state", "issuer", "preset", "code"]

    def get_queryset(self) -> QuerySet[Programme]:
        actor = actor_of(self.request)
        versions = policy.visible_versions(actor).order_by("number")
        return policy.visible_programmes(actor).prefetch_related(
            Prefetch("versions", queryset=versions)
        )

    @extend_schema(request=shapes.ProgrammeRequest, responses={201: shapes.ProgrammeSerializer})
    def create(self, request: Request) -> Response:
        """Draft a programme of the issuer the caller acts for, with its first terms."""
        body = checked(shapes.ProgrammeRequest, request)
        at = timezone.now()
        programme = open_programme(
            preset=named(Preset.objects.all(), body.pop("preset"), "preset"),
            issuer=own_organization(request),
            effective_from=body.pop("effective_from", at),
            **body,
            actor=actor_of(request),
            at=at,
        )
        return self._shown(programme, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.ActivationRequest, responses=shapes.ProgrammeSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Activation])
    def activate(self, request: Request, pk: str) -> Response:
        """Put it into force, spending from an open envelope of its issuer."""
        body = checked(shapes.ActivationRequest, request)
        actor = actor_of(request)
        programme = activate_programme(
            programme=self.get_object(),
            envelope=named(envelopes_visible_to(actor), body["envelope"], "envelope"),
            **who_and_when(request),
        )
        return self._shown(programme, status.HTTP_200_OK)

    def _shown(self, programme: Programme, code: int) -> Response:
        shown = self.get_queryset().get(pk=programme.pk)
        return Response(self.get_serializer(shown).data, status=code)


class PolicyVersionViewSet(viewsets.ReadOnlyModelViewSet[PolicyVersion]):
    """Dated terms, as data and in plain language; drafts are their issuer's own."""

    queryset = PolicyVersion.objects.none()
    filterset_fields = ["state", "programme"]

    def get_queryset(self) -> QuerySet[PolicyVersion]:
        rows = policy.visible_versions(actor_of(self.request))
        return rows.defer("terms", "supplied") if self.action == "list" else rows

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "list":
            return shapes.PolicyVersionSerializer
        return shapes.PolicyVersionDetailSerializer

    @extend_schema(
        request=shapes.PolicyVersionRequest, responses={201: shapes.PolicyVersionDetailSerializer}
    )
    def create(self, request: Request) -> Response:
        """Draft the next terms of a programme of one's own."""
        body = checked(shapes.PolicyVersionRequest, request)
        actor = actor_of(request)
        version = draft_policy_version(
            programme=named(policy.visible_programmes(actor), body["programme"], "programme"),
            terms=_terms_of(body),
            effective_from=body["effective_from"],
            retroactive=body["retroactive"],
            **who_and_when(request),
        )
        return Response(self.get_serializer(version).data, status=status.HTTP_201_CREATED)

    def get_permissions(self) -> Any:
        return [Drafting()] if self.action == "create" else super().get_permissions()

    @extend_schema(request=shapes.TermsCheckRequest, responses=shapes.TermsCheckSerializer)
    @action(detail=False, methods=["post"], permission_classes=[Drafting])
    def check(self, request: Request) -> Response:
        """Read a draft: every problem with its pointer, or its clauses. Stores nothing."""
        body = checked(shapes.TermsCheckRequest, request)
        try:
            document = body["terms"] if "terms" in body else read_terms(body["text"])
            found = check_terms(document)
        except RuleError as error:
            document, found = None, TermsCheck((problem_of(error),), (), (), None)
        problems = [*found.problems, *_beyond(document, found, body)]
        told: Any = {
            "problems": [each.as_dict() for each in problems],
            "missing": [each.as_dict() for each in found.missing],
            "clauses": [{"text_zh": zh, "text_en": en} for zh, en in found.clauses],
            "can_be_submitted": found.can_be_submitted and not problems,
            "terms": document,
        }
        return Response(shapes.TermsCheckSerializer(told).data)

    @extend_schema(request=None, responses=shapes.PolicyVersionDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Drafting])
    def submit(self, request: Request, pk: str) -> Response:
        """Hand the draft to the approvers."""
        version = submit_policy_version(version=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(version).data)

    @extend_schema(request=None, responses=shapes.PolicyVersionDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Approval])
    def approve(self, request: Request, pk: str) -> Response:
        """Approve, each time another person: two fix the terms, three fix retroactive ones."""
        version = approve_policy_version(version=self.get_object(), **who_and_when(request))
        return Response(self.get_serializer(version).data)


def _beyond(document: Any, found: TermsCheck, body: dict[str, Any]) -> list[TermsProblem]:
    """What a document alone does not show: a ring with other programmes, a day that is past."""
    problems = stacking_problems(document) if found.digest else []
    effective = body.get("effective_from")
    if effective is not None and effective < timezone.now() and not body["retroactive"]:
        problems.append(
            TermsProblem(
                "/effective_from",
                "before_approval",
                "before the approval: say that the terms are retroactive, and three approve them",
                "早于审批：须注明追溯适用，并由三人审批",
            )
        )
    return problems


def _terms_of(body: dict[str, Any]) -> dict[str, Any]:
    """The document in a request. Raises TermsRefused for text that cannot be read."""
    try:
        return dict(body["terms"]) if "terms" in body else read_terms(body["text"])
    except RuleError as error:
        raise TermsRefused(error) from error
