"""Signed CloudEvents of meter agents: a batch in structured mode, the signature over its body."""

import json
from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.decisions import Actor, Invalid
from providers.actions.ingest_counters import CounterRead, ingest_counters
from providers.actions.ingest_readings import ingest_readings
from providers.api import serializers as shapes
from providers.api.reading_batches import MAX_ROWS, exact_quantity, moment_of, rows_of, unit_of
from providers.meter_signatures import unseal, verifies
from providers.models import Meter, MeterKey
from providers.policy import METER_KEY
from providers.refusals import SignatureNotVerified

BATCH = "application/cloudevents-batch+json"
INTERVAL = "cn.suanquan.meter.interval.v1"
COUNTER = "cn.suanquan.meter.counter.v1"
HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True)
    for name in ("Meter-Key", "webhook-id", "webhook-timestamp", "webhook-signature")
]


class RawBatch(BaseParser):
    """The body's bytes as they were signed."""

    media_type = BATCH

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return stream.read()


class MeterEventsView(APIView):
    """Where agents send: no login, a key per facility."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    parser_classes = [RawBatch]

    @extend_schema(
        request={BATCH: shapes.MeterEventShape(many=True)},
        parameters=HEADERS,
        responses={201: shapes.IngestResultSerializer},
    )
    def post(self, request: Request) -> Response:
        """Take a signed batch in; sending it again changes nothing. Every row's fate is told."""
        now, body = timezone.now(), cast(bytes, request.data)
        key = verified_key(request.headers, body)
        events = _events(body)
        facility, actor = key.facility, _actor(key)
        meters = list(facility.meters.all())
        source = events[0]["source"]
        intervals = [_interval(event) for event in events if event["type"] == INTERVAL]
        readings = rows_of({"readings": intervals}, meters)
        reads = _counters([e for e in events if e["type"] == COUNTER], meters)
        results = []
        if readings:
            results.append(
                ingest_readings(
                    facility=facility, source=source, readings=readings, actor=actor, at=now
                )
            )
        if reads:
            results.append(
                ingest_counters(facility=facility, source=source, reads=reads, actor=actor, at=now)
            )
        told = [dict(shapes.IngestResultSerializer(each).data) for each in results]
        return Response(_sum(told), status=status.HTTP_201_CREATED)


def verified_key(headers: Mapping[str, str], body: bytes) -> MeterKey:
    """The key that signed `body`. Raises SignatureNotVerified, without telling what was wrong."""
    key = (
        MeterKey.objects.select_related("facility__provider")
        .filter(key_id=headers.get("Meter-Key", ""), revoked_at=None)
        .first()
    )
    if key is None:
        raise SignatureNotVerified()
    material = key.material
    if key.algorithm == MeterKey.Algorithm.HMAC_SHA256:
        material = unseal(material, settings.SECRET_KEY)
    if not verifies(
        key.algorithm,
        material,
        message_id=headers.get("webhook-id", ""),
        timestamp=headers.get("webhook-timestamp", ""),
        signature=headers.get("webhook-signature", ""),
        body=body,
        at=timezone.now(),
    ):
        raise SignatureNotVerified()
    return key


def _actor(key: MeterKey) -> Actor:
    return Actor(
        person_id=None,
        organization_id=key.facility.provider_id,
        label=f"meter key {key.key_id}",
        roles=frozenset({METER_KEY}),
    )


def _events(body: bytes) -> list[dict[str, Any]]:
    try:
        events = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        raise Invalid("events", "not JSON", "不是有效的 JSON") from None
    if not isinstance(events, list) or not 0 < len(events) <= MAX_ROWS:
        raise Invalid("events", f"a list of 1 to {MAX_ROWS}", f"须为 1 至 {MAX_ROWS} 条的列表")
    for number, event in enumerate(events):
        where = f"events[{number}]"
        if not isinstance(event, dict) or event.get("specversion") != "1.0":
            raise Invalid(where, "a CloudEvent 1.0", "须为 CloudEvents 1.0")
        if event.get("type") not in (INTERVAL, COUNTER):
            raise Invalid(f"{where}.type", f"{INTERVAL} or {COUNTER}", "未知的事件类型")
        if not isinstance(event.get("data"), dict):
            raise Invalid(f"{where}.data", "must be an object", "须为对象")
        source = event.get("source")
        if not isinstance(source, str) or not 0 < len(source) <= 200:
            raise Invalid(f"{where}.source", "1 to 200 characters", "须为 1 至 200 个字符")
        if source != events[0]["source"]:
            raise Invalid(f"{where}.source", "one source a batch", "一批事件须来自同一来源")
    return events


def _interval(event: dict[str, Any]) -> dict[str, Any]:
    return {**event["data"], "event_id": event.get("id"), "meter": event.get("subject")}


def _counters(events: list[dict[str, Any]], meters: list[Meter]) -> list[CounterRead]:
    by_code = {meter.code: meter for meter in meters}
    reads = []
    for number, event in enumerate(events):
        where, data = f"counters[{number}]", event["data"]
        meter = by_code.get(str(event.get("subject")))
        if meter is None:
            raise Invalid(f"{where}.subject", "not a meter of this facility", "不是本设施的计量表")
        if data.get("unit") != unit_of(meter.kind):
            unit = unit_of(meter.kind)
            raise Invalid(f"{where}.unit", f"must be {unit}", f"单位须为 {unit}")
        epoch, event_id = data.get("epoch"), event.get("id")
        if not isinstance(epoch, int) or isinstance(epoch, bool) or not 0 <= epoch < 2**31:
            raise Invalid(f"{where}.epoch", "a whole number", "须为非负整数")
        if not isinstance(event_id, str) or not 0 < len(event_id) <= 200 or "\x00" in event_id:
            raise Invalid(f"{where}.id", "1 to 200 characters", "须为 1 至 200 个字符")
        reads.append(
            CounterRead(
                meter_id=meter.pk,
                event_id=event_id,
                epoch=epoch,
                read_at=moment_of(data, "read_at", where),
                value=exact_quantity(data.get("value"), f"{where}.value"),
            )
        )
    return reads


def _sum(told: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("accepted", "duplicate", "conflicting", "quarantined")
    whole: dict[str, Any] = {name: sum(each[name] for each in told) for name in names}
    return whole | {"not_accepted": [row for each in told for row in each["not_accepted"]]}
