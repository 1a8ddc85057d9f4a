"""Doors for machines that sign instead of logging in: platforms and the payment gateway."""

import json
from typing import Any, cast

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.decisions import Refusal
from marketplace import stripe_gateway
from marketplace.actions.receive_gateway_event import receive_gateway_event
from marketplace.gateway_config import gateway_config
from marketplace.platform_connectors import connector_for
from scheduling.actions.receive_callback import receive_callback
from scheduling.models import Platform
from scheduling.platforms.connectors.contract import CallbackRefused


class SignatureRefused(Refusal):
    """The signature, its age or the body cannot be believed."""

    http_status = 400
    text_en = "The message is not believed: {reason}"
    text_zh = "消息校验未通过：{reason}"


class RawBody(BaseParser):
    """The body as it came: a signature covers bytes, not what a parser makes of them."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return bytes(stream.read())


def raw(request: Request) -> bytes:
    """The bytes RawBody kept."""
    return cast(bytes, request.data)


class SignedDoor(APIView):
    """No login: the signature is the proof."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [RawBody]


class PlatformCallbackView(SignedDoor):
    """A platform's events: stored once by id, applied in order."""

    @extend_schema(
        request={"application/cloudevents+json": dict},
        responses={202: None, 200: None},
        operation_id="platforms_callbacks_create",
    )
    def post(self, request: Request, pk: int) -> Response:
        platform = Platform.objects.filter(pk=pk).first()
        if platform is None:
            raise Http404
        now, body = timezone.now(), raw(request)
        try:
            event = connector_for(platform).parse_callback(request.headers, body, at=now)
        except CallbackRefused as error:
            raise SignatureRefused(reason=error.code) from error
        new = receive_callback(platform=platform, event=event, body=json.loads(body), at=now)
        return Response(status=status.HTTP_202_ACCEPTED if new else status.HTTP_200_OK)


class GatewayWebhookView(SignedDoor):
    """The payment gateway's events: stored once by id."""

    @extend_schema(
        request={"application/json": dict},
        responses={202: None, 200: None},
        operation_id="webhooks_stripe_create",
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        try:
            event = stripe_gateway.verify_webhook(
                raw(request),
                request.headers.get("Stripe-Signature", ""),
                gateway_config().webhook_secret,
                at=now,
            )
        except stripe_gateway.WebhookRefused as error:
            raise SignatureRefused(reason=error.code) from error
        new = receive_gateway_event(event=event, at=now)
        return Response(status=status.HTTP_202_ACCEPTED if new else status.HTTP_200_OK)
