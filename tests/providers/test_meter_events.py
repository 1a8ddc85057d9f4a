"""What agents send: signed, once for ever, counters and gaps included."""

import base64
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from audit.decisions import SYSTEM
from identity.roles import Role
from providers.actions.ingest_counters import CounterRead, ingest_counters
from providers.actions.issue_meter_key import issue_meter_key
from providers.actions.note_gaps import note_gaps
from providers.actions.revoke_meter_key import revoke_meter_key
from providers.meter_signatures import public_half, sign
from providers.models import CounterReading, MeterGap, MeterReading
from tests.factories import NOW
from tests.providers.supply import HOUR, YEAR_STARTS, ingest, make_facility, make_meter, reading
from tests.providers.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.routes")]
SECRET = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def facility():
    return make_facility()


@pytest.fixture
def total(facility):
    return make_meter(facility, "facility_total_kwh")


def ed25519_key(facility):
    key, _ = issue_meter_key(
        facility=facility, name="agent", public_key=public_half(SECRET), actor=SYSTEM, at=NOW
    )
    return key


def event(number, quantity="100", **more):
    starts_at = YEAR_STARTS + number * HOUR
    data = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + HOUR).isoformat()}
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "agent-1",
        "type": "cn.suanquan.meter.interval.v1",
        "subject": "facility_total_kwh",
        "data": data | {"quantity": quantity, "unit": "kWh"},
    } | more


def send(client, key, events, *, secret=SECRET, at=None, body=None, **headers):
    sent = body or json.dumps(events).encode()
    at = at or timezone.now()
    mark = sign(key.algorithm, secret, message_id="m", at=at, body=json.dumps(events).encode())
    given = {
        "Meter-Key": key.key_id,
        "webhook-id": "m",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": mark,
    }
    return client.post(
        "/api/v1/meter-events",
        sent,
        content_type="application/cloudevents-batch+json",
        headers=given | headers,
    )


def test_a_signed_batch_is_taken_once(client, facility, total):
    key = ed25519_key(facility)
    answer = send(client, key, [event(0), event(1)])
    assert (answer.status_code, answer.json()["accepted"]) == (201, 2), answer.content
    assert send(client, key, [event(0), event(1)]).json()["duplicate"] == 2
    assert MeterReading.objects.count() == 2


def test_an_hmac_key_signs_too_and_its_secret_is_stored_sealed(client, facility, total):
    me = Caller(client, facility.provider, Role.PROVIDER_ADMIN)
    body = {"facility": facility.pk, "name": "agent", "algorithm": "hmac_sha256"}
    made = me.post("meter-keys", body).json()
    key = facility.meter_keys.get()
    assert made["secret"] not in key.material
    assert "secret" not in me.get(f"meter-keys/{key.pk}").json()
    assert send(client, key, [event(0)], secret=made["secret"]).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": base64.b64encode(bytes(32)).decode()},
        {"at": NOW - timedelta(minutes=6)},
        {"body": b"[]"},
        {"Meter-Key": "mk_other"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": "nonsense"},
        {"webhook-timestamp": "soon"},
    ],
)
def test_what_is_not_signed_over_these_bytes_now_is_refused(client, facility, total, wrong):
    answer = send(client, ed25519_key(facility), [event(0)], **wrong)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_not_verified")
    assert not MeterReading.objects.exists()


def test_a_revoked_key_verifies_nothing_more(client, facility, total):
    key = ed25519_key(facility)
    revoke_meter_key(key=key, actor=SYSTEM, at=NOW)
    assert send(client, key, [event(0)]).status_code == 401


def test_a_key_of_another_facility_reaches_no_meter_here(client, facility, total):
    key = ed25519_key(make_facility())
    answer = send(client, key, [event(0)])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "readings[0].meter")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "events[0]"),
        ({"type": "other"}, "events[0].type"),
        ({"data": 5}, "events[0].data"),
        ({"source": ""}, "events[0].source"),
        ({"id": ""}, "readings[0].event_id"),
    ],
)
def test_a_malformed_event_refuses_the_batch_and_names_the_field(
    client, facility, total, change, field
):
    answer = send(client, ed25519_key(facility), [event(0, **change)])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def counter(meter, hour, value, epoch=1):
    return CounterRead(
        meter.pk, f"c{epoch}-{hour}", epoch, YEAR_STARTS + hour * HOUR, Decimal(str(value))
    )


def count(facility, *reads):
    return ingest_counters(facility=facility, source="c", reads=reads, actor=SYSTEM, at=NOW)


def test_a_counter_gives_differences_and_a_reset_begins_an_epoch(facility, total):
    result = count(
        facility, counter(total, 0, 1000), counter(total, 1, 1100), counter(total, 2, 1250)
    )
    assert result.accepted == 2
    assert count(facility, counter(total, 3, 5, epoch=2)).accepted == 0
    assert count(facility, counter(total, 4, 105, epoch=2)).accepted == 1
    rows = MeterReading.objects.order_by("starts_at").values_list("quantity", flat=True)
    assert list(rows) == [100, 150, 100]
    assert CounterReading.objects.count() == 5


def test_a_counter_that_goes_back_in_its_epoch_is_set_aside(facility, total):
    result = count(facility, counter(total, 0, 1000), counter(total, 1, 900))
    assert [row.reason for row in result.not_accepted] == ["counter_went_back"]


def test_counters_come_over_http_as_events(client, facility, total):
    def read(hour, value):
        at = (YEAR_STARTS + hour * HOUR).isoformat()
        return event(hour, type="cn.suanquan.meter.counter.v1") | {
            "data": {"epoch": 1, "read_at": at, "value": value, "unit": "kWh"}
        }

    answer = send(client, ed25519_key(facility), [read(0, "10"), read(1, "30.5")])
    assert answer.json()["accepted"] == 1
    assert MeterReading.objects.get().quantity == Decimal("20.5")


def test_gaps_are_records_and_close_when_the_hours_come_late(facility, total):
    def note(at=NOW):
        day = {"starts_at": YEAR_STARTS, "ends_at": YEAR_STARTS + 6 * HOUR}
        return note_gaps(facility=facility, **day, actor=SYSTEM, at=at)

    ingest(facility, [reading(total, 0, 1), reading(total, 3, 1)])
    assert note() == (2, 0)
    assert note() == (0, 0)
    first, second = MeterGap.objects.order_by("missing")
    assert (first.missing.lower, first.missing.upper) == (
        YEAR_STARTS + HOUR,
        YEAR_STARTS + 3 * HOUR,
    )
    ingest(facility, [reading(total, 1, 1), reading(total, 2, 1)])
    assert note(NOW + HOUR) == (0, 1)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.closed_at, second.closed_at) == (NOW + HOUR, None)
