"""Claim windows over HTTP: drafted, opened, claimed in, drawn, closed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from audit.decisions import NotFound, Refusal
from identity.authentication import actor_of
from identity.permissions import has_role
from vouchers import policy, queries
from vouchers.actions.admit_enterprise import admit_enterprise
from vouchers.actions.answer_claims import answer_claims
from vouchers.actions.close_window import close_window
from vouchers.actions.draft_window import draft_window
from vouchers.actions.draw_window import draw_window
from vouchers.actions.fund_window import top_up_window
from vouchers.actions.give_back_grant import give_back_grant
from vouchers.actions.open_window import cancel_window, open_window
from vouchers.api import window_shapes as shapes
from vouchers.api.lookup import checked, named, own_organization, who_and_when
from vouchers.claiming.claim_batch import LONGEST_KEY, AskedClaim
from vouchers.claiming.claim_token import LIFETIME_SECONDS, ClaimToken, read_token
from vouchers.models import ClaimWindow, WindowAnswer
from vouchers.refusals import ClaimKeyMissing

Drafting = has_role(*policy.DRAFTERS)
Opening = has_role(*policy.APPROVERS)
Running = has_role(*policy.DRAFTERS, *policy.APPROVERS)
Claiming = has_role(*policy.APPLICANTS)


class ClaimTokenAuthentication(BaseAuthentication):
    """`Authorization: Claim <token>`, the one way into a claim, here and in the lane."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ClaimToken]:
        window_id = int(request.parser_context["kwargs"]["pk"])
        now = queries.claim_clock().timestamp()
        header = request.headers.get("Authorization", "")
        return AnonymousUser(), read_token(header, window_id=window_id, now=now)


class ClaimTokenScheme(OpenApiAuthenticationExtension):
    """How the claim token is written in the document."""

    target_class = "vouchers.api.windows.ClaimTokenAuthentication"
    name = "claimToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Claim <token>`; the token comes with the admission",
        }


class ClaimWindowViewSet(viewsets.ReadOnlyModelViewSet[ClaimWindow]):
    """Claim windows: announced ones are public to who is logged in, drafts their issuer's own."""

    queryset = ClaimWindow.objects.none()
    serializer_class = shapes.ClaimWindowSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ["state", "programme", "order"]

    def get_queryset(self) -> QuerySet[ClaimWindow]:
        return policy.visible_windows(actor_of(self.request))

    @extend_schema(request=shapes.WindowRequest, responses={201: shapes.ClaimWindowSerializer})
    def create(self, request: Request) -> Response:
        """Draft a window; another person opens it."""
        body = checked(shapes.WindowRequest, request)
        programmes = policy.visible_programmes(actor_of(request))
        window = draft_window(
            programme=named(programmes, body.pop("programme"), "programme"),
            **body,
            **who_and_when(request),
        )
        return Response(self.get_serializer(window).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.ClaimWindowSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Opening])
    def open(self, request: Request, pk: str) -> Response:
        """Open it, as another person: the money is set aside and a lottery's hash published."""
        return self._moved(open_window)

    @extend_schema(request=None, responses=shapes.ClaimWindowSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Running])
    def cancel(self, request: Request, pk: str) -> Response:
        """Give up a draft."""
        return self._moved(cancel_window)

    @extend_schema(request=shapes.TopUpRequest, responses=shapes.ClaimWindowSerializer)
    @action(detail=True, methods=["post"], url_path="top-up", permission_classes=[Opening])
    def top_up(self, request: Request, pk: str) -> Response:
        """Add money; the waiting list is served at once."""
        return self._moved(top_up_window, **checked(shapes.TopUpRequest, request))

    @extend_schema(request=None, responses=shapes.ClaimWindowSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Running])
    def draw(self, request: Request, pk: str) -> Response:
        """Draw the lottery: the seed is revealed and every entry gets its place."""
        return self._moved(draw_window)

    @extend_schema(request=None, responses=shapes.ClaimWindowSerializer)
    @action(detail=True, methods=["post"], permission_classes=[Running])
    def close(self, request: Request, pk: str) -> Response:
        """Close it; what is left goes back to the envelope."""
        return self._moved(close_window)

    @extend_schema(
        request=shapes.AdmissionRequest, responses={201: shapes.WindowAdmissionSerializer}
    )
    @action(detail=True, methods=["post"], permission_classes=[Claiming])
    def admissions(self, request: Request, pk: str) -> Response:
        """Be admitted and receive a claim token; asking again renews the token only."""
        window, actor = self.get_object(), actor_of(request)
        admission: Any = admit_enterprise(
            window=window,
            enterprise=own_organization(request),
            **checked(shapes.AdmissionRequest, request),
            **who_and_when(request),
        )
        expires = queries.claim_clock() + timedelta(seconds=LIFETIME_SECONDS)
        token = ClaimToken(
            window.pk, admission.enterprise_id, actor.person_id or 0, int(expires.timestamp())
        )
        admission.token = token.signed()
        admission.expires_at = datetime.fromtimestamp(token.expires, UTC)
        data = shapes.WindowAdmissionSerializer(admission).data
        return Response(data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=shapes.ClaimRequest,
        responses={
            201: shapes.ReasonedAnswerSerializer,
            200: OpenApiResponse(
                shapes.ReasonedAnswerSerializer, "answered before: the same answer again"
            ),
        },
    )
    @action(
        detail=True,
        methods=["post"],
        authentication_classes=[ClaimTokenAuthentication],
        permission_classes=[AllowAny],
    )
    def claims(self, request: Request, pk: str) -> Response:
        """Claim. One answer for an enterprise and window; repeat it freely with its key.

        Where the server runs `marketplace.asgi`, the claim lane answers here by the same rules.
        """
        token: ClaimToken = request.auth  # type: ignore[assignment]
        key = request.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= LONGEST_KEY:
            raise ClaimKeyMissing()
        body = checked(shapes.ClaimRequest, request)
        asked = AskedClaim(token.enterprise_id, token.person_id, key, body.get("amount_fen"))
        (answer,) = answer_claims(window_id=token.window_id, claims=[asked])
        if isinstance(answer, Refusal):
            raise answer
        if answer.replayed:
            return Response(answer.as_dict(), headers={"Idempotent-Replayed": "true"})
        return Response(answer.as_dict(), status=status.HTTP_201_CREATED)

    @extend_schema(responses=shapes.LiveWindowSerializer)
    @action(detail=True, methods=["get"])
    def live(self, request: Request, pk: str) -> Response:
        """What is left now, by the ledger and the database's clock."""
        live = queries.live_window(self.get_object())
        return Response(
            shapes.LiveWindowSerializer(live).data, headers={"Cache-Control": "no-store"}
        )

    @extend_schema(responses=shapes.WindowAnswerSerializer)
    @action(detail=True, methods=["get"], url_path="my-answer")
    def my_answer(self, request: Request, pk: str) -> Response:
        """My organization's answer, why, and its voucher once made out."""
        answer = (
            WindowAnswer.objects.select_related("enterprise", "voucher")
            .filter(window=self.get_object(), enterprise=actor_of(request).organization_id)
            .first()
        )
        if answer is None:
            raise NotFound(thing="answer")
        return Response(shapes.WindowAnswerSerializer(answer).data)

    @extend_schema(request=None, responses=shapes.WindowAnswerSerializer)
    @action(detail=True, methods=["post"], url_path="give-back", permission_classes=[Claiming])
    def give_back(self, request: Request, pk: str) -> Response:
        """Give my organization's grant back; the next on the waiting list is served."""
        answer = WindowAnswer.objects.filter(
            window=self.get_object(), enterprise=actor_of(request).organization_id
        ).first()
        if answer is None:
            raise NotFound(thing="answer")
        given = give_back_grant(answer=answer, **who_and_when(request))
        return Response(shapes.WindowAnswerSerializer(given).data)

    @extend_schema(responses=shapes.DrawSerializer)
    @action(detail=True, methods=["get"], url_path="draw-record")
    def draw_record(self, request: Request, pk: str) -> Response:
        """The seed, what was committed to, and every entry: anybody can repeat the draw."""
        window = self.get_object()
        if window.seed is None:
            raise NotFound(thing="draw")
        return Response(shapes.DrawSerializer(queries.draw_record(window)).data)

    def _moved(self, move: Any, **more: Any) -> Response:
        window = move(window=self.get_object(), **more, **who_and_when(self.request))
        return Response(self.get_serializer(window).data)


class WindowAnswerViewSet(viewsets.ReadOnlyModelViewSet[WindowAnswer]):
    """Answers of windows: an enterprise's own, and all of those of an issuer's windows."""

    queryset = WindowAnswer.objects.none()
    serializer_class = shapes.WindowAnswerSerializer
    filterset_fields = ["window", "state", "enterprise"]

    def get_queryset(self) -> QuerySet[WindowAnswer]:
        return policy.visible_window_answers(actor_of(self.request))
