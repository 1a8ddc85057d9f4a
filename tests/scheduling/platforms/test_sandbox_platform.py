"""The sandbox platform as a real process, spoken to through the connector over real HTTP."""

import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest

from scheduling.platforms.connectors.contract import (
    CallbackRefused,
    ConnectorRefused,
    ConnectorUnavailable,
    JobState,
    JobStateChanged,
    UsageReported,
)
from tests.scheduling.platforms.conftest import PlatformProcess
from tests.scheduling.platforms.requests import dispatch_request

pytestmark = pytest.mark.slow


def events_of(platform, messages, lease_id):
    now = datetime.now(UTC)
    parse = platform.connector().parse_callback
    events = [parse(message.headers, message.body, at=now) for message in messages]
    return [event for event in events if event.lease_id == lease_id]


def wait_for_end(platform, receiver, lease_id):
    def ended(messages):
        events = events_of(platform, messages, lease_id)
        done = any(isinstance(e, JobStateChanged) and e.state.is_final for e in events)
        return events if done else None

    return receiver.wait_for(ended)


def test_a_job_runs_to_its_end_and_reports_every_state_in_order(platform, receiver):
    request = dispatch_request(receiver.url)
    receipt = platform.connector().dispatch(request)
    assert (receipt.state, receipt.already_started) == (JobState.QUEUED, False)
    events = wait_for_end(platform, receiver, request.lease_id)
    assert [e.sequence for e in events] == list(range(1, len(events) + 1))
    assert [e.state for e in events if isinstance(e, JobStateChanged)] == [
        JobState.QUEUED,
        JobState.INITIALIZING,
        JobState.RUNNING,
        JobState.COMPLETE,
    ]
    assert {e.ref for e in events} == {receipt.ref}
    assert all(e.simulated for e in events)


def test_usage_tiles_the_run_without_gap_or_overlap_and_energy_is_power_times_hours(
    platform, receiver
):
    request = dispatch_request(receiver.url)
    platform.connector().dispatch(request)
    events = wait_for_end(platform, receiver, request.lease_id)
    usage = [event for event in events if isinstance(event, UsageReported)]
    assert usage[0].starts_at == request.starts_at
    assert usage[-1].ends_at == request.starts_at + timedelta(hours=6.5)
    assert all(a.ends_at == b.starts_at for a, b in pairwise(usage))
    assert len({event.meter_id for event in usage}) == 1
    assert sum(event.accelerator_hours for event in usage) == Decimal("52")
    assert sum(event.energy_kwh for event in usage) == Decimal("28.6")
    status = platform.connector().status(usage[0].ref)
    assert (status.accelerator_hours, status.energy_kwh) == (Decimal("52"), Decimal("28.6"))


def test_where_the_power_is_unknown_energy_stays_unknown(platform, receiver):
    request = dispatch_request(receiver.url, power_kw_per_accelerator=None)
    receipt = platform.connector().dispatch(request)
    events = wait_for_end(platform, receiver, request.lease_id)
    assert {e.energy_kwh for e in events if isinstance(e, UsageReported)} == {None}
    assert platform.connector().status(receipt.ref).energy_kwh is None


def test_dispatching_twice_yields_one_job(platform, receiver):
    request = dispatch_request(receiver.url)
    first = platform.connector().dispatch(request)
    second = platform.connector().dispatch(request)
    assert (first.already_started, second.already_started) == (False, True)
    assert first.ref == second.ref


def test_sixteen_dispatches_at_once_yield_one_job(platform, receiver):
    request = dispatch_request(receiver.url)
    with ThreadPoolExecutor(16) as threads:
        receipts = list(threads.map(lambda _: platform.connector().dispatch(request), range(16)))
    assert len({receipt.ref for receipt in receipts}) == 1
    assert sorted(receipt.already_started for receipt in receipts) == [False] + [True] * 15


def test_a_lost_acknowledgement_is_healed_by_dispatching_again(platform, receiver):
    request = dispatch_request(receiver.url)
    platform.fault(kind="lost_ack", lease_id=request.lease_id)
    with pytest.raises(ConnectorUnavailable) as caught:
        platform.connector().dispatch(request)
    assert caught.value.retryable
    assert platform.connector().dispatch(request).already_started


def test_the_same_lease_with_other_terms_is_refused(platform, receiver):
    request = dispatch_request(receiver.url)
    platform.connector().dispatch(request)
    with pytest.raises(ConnectorRefused) as caught:
        platform.connector().dispatch(dataclasses.replace(request, accelerator_count=16))
    assert caught.value.code == "lease_mismatch"
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "wrong",
    [
        {"accelerator_count": 0},
        {"duration_hours": Decimal(0)},
        {"duration_hours": Decimal("NaN")},
        {"starts_at": datetime(2026, 1, 1)},
        {"callback_url": "ftp://example.org/x"},
        {"lease_id": ""},
        {"power_kw_per_accelerator": Decimal("-1")},
    ],
)
def test_a_malformed_request_is_refused_and_starts_nothing(platform, receiver, wrong):
    before = sum(platform.platform_state()["jobs"].values())
    with pytest.raises(ConnectorRefused) as caught:
        platform.connector().dispatch(dispatch_request(receiver.url, **wrong))
    assert caught.value.code == "invalid_request"
    assert sum(platform.platform_state()["jobs"].values()) == before


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("fail_user", JobState.EXECUTOR_ERROR),
        ("fail_platform", JobState.SYSTEM_ERROR),
        ("preempt", JobState.PREEMPTED),
    ],
)
def test_a_job_that_fails_half_way_reports_half_its_use(platform, receiver, fault, state):
    request = dispatch_request(receiver.url)
    platform.fault(kind=fault, lease_id=request.lease_id, after_fraction="0.5")
    platform.connector().dispatch(request)
    events = wait_for_end(platform, receiver, request.lease_id)
    assert events[-1].state == state
    assert events[-1].reason
    used = sum(e.accelerator_hours for e in events if isinstance(e, UsageReported))
    assert used == Decimal("26")


def test_a_running_job_is_canceled_with_the_use_so_far(tmp_path, receiver):
    slow = PlatformProcess(tmp_path / "slow.sqlite", seconds_per_hour="2")
    slow.start()
    try:
        request = dispatch_request(receiver.url, duration_hours=Decimal(100))
        receipt = slow.connector().dispatch(request)
        receiver.wait_for(lambda got: any(b'"RUNNING"' in message.body for message in got))
        time.sleep(0.3)
        canceled = slow.connector().cancel(receipt.ref)
        assert canceled.state == JobState.CANCELED
        assert 0 < canceled.accelerator_hours < 8
        events = wait_for_end(slow, receiver, request.lease_id)
        used = sum(e.accelerator_hours for e in events if isinstance(e, UsageReported))
        assert used == canceled.accelerator_hours
        assert slow.connector().cancel(receipt.ref) == canceled
    finally:
        slow.kill()


def test_an_ended_job_stays_as_it_ended_when_canceled(platform, receiver):
    request = dispatch_request(receiver.url, duration_hours=Decimal(1))
    receipt = platform.connector().dispatch(request)
    wait_for_end(platform, receiver, request.lease_id)
    assert platform.connector().cancel(receipt.ref).state == JobState.COMPLETE


def test_an_unknown_job_is_refused_as_not_found(platform):
    for verb in (platform.connector().status, platform.connector().cancel):
        with pytest.raises(ConnectorRefused) as caught:
            verb("job_nobody_knows/../x")
        assert caught.value.code in ("not_found", "refused")
        with pytest.raises(ConnectorRefused) as caught:
            verb("job_nobody_knows")
        assert caught.value.code == "not_found"


def test_a_caller_without_the_token_is_refused(platform, receiver):
    with pytest.raises(ConnectorRefused) as caught:
        platform.connector(api_token="another").dispatch(dispatch_request(receiver.url))
    assert caught.value.code == "unauthorized"


def test_a_platform_out_of_order_or_unreachable_is_worth_a_retry(platform):
    platform.fault(kind="unavailable")
    with pytest.raises(ConnectorUnavailable) as caught:
        platform.connector().capabilities()
    assert caught.value.code == "server_error"
    with pytest.raises(ConnectorUnavailable) as caught:
        platform.connector(base_url="http://127.0.0.1:9").capabilities()
    assert caught.value.code == "connection"
    assert platform.connector().capabilities().simulated


def test_a_callback_is_repeated_unchanged_until_it_is_taken(platform, receiver):
    receiver.answers = [500, 404, 302]
    request = dispatch_request(receiver.url, duration_hours=Decimal(1))
    platform.connector().dispatch(request)
    wait_for_end(platform, receiver, request.lease_id)
    receiver.wait_for(lambda got: len(got) >= 8)
    bodies = [message.body for message in receiver.received]
    assert len(set(bodies)) == 5
    assert len(bodies) == 8
    ids = [message.headers["webhook-id"] for message in receiver.received]
    assert all(json.loads(b)["id"] == i for b, i in zip(bodies, ids, strict=True))


def test_a_caller_that_moved_hears_the_rest_at_its_new_address(platform, receiver):
    request = dispatch_request("http://127.0.0.1:9/callbacks", duration_hours=Decimal(1))
    platform.connector().dispatch(request)
    time.sleep(0.3)
    moved = dataclasses.replace(request, callback_url=receiver.url)
    assert platform.connector().dispatch(moved).already_started
    wait_for_end(platform, receiver, request.lease_id)
    receiver.wait_for(lambda got: len(got) >= 5)
    events = events_of(platform, receiver.received, request.lease_id)
    assert {event.sequence for event in events} == {1, 2, 3, 4, 5}


def test_callbacks_come_twice_on_request_with_one_event_id(platform, receiver):
    request = dispatch_request(receiver.url, duration_hours=Decimal(1))
    platform.fault(kind="duplicate_callback", lease_id=request.lease_id, count=2)
    platform.connector().dispatch(request)
    receiver.wait_for(lambda got: len(got) >= 7)
    ids = [e.event_id for e in events_of(platform, receiver.received, request.lease_id)]
    assert len(ids) == 7
    assert len(set(ids)) == 5


def test_callbacks_come_in_reverse_on_request(platform, receiver):
    request = dispatch_request(receiver.url, duration_hours=Decimal(1))
    platform.fault(kind="reorder_callbacks", lease_id=request.lease_id, count=4)
    platform.connector().dispatch(request)
    wait_for_end(platform, receiver, request.lease_id)
    receiver.wait_for(lambda got: len(got) >= 5)
    sequences = [e.sequence for e in events_of(platform, receiver.received, request.lease_id)]
    assert sorted(sequences) == [1, 2, 3, 4, 5]
    assert [s for s in sequences if s <= 4] == [4, 3, 2, 1]


def test_a_callback_signed_with_another_key_is_refused(platform, receiver):
    request = dispatch_request(receiver.url, duration_hours=Decimal(1))
    platform.fault(kind="forge_signature", lease_id=request.lease_id)
    receiver.answers = [401]
    platform.connector().dispatch(request)
    receiver.wait_for(lambda got: len(got) >= 6)
    first, *others = receiver.received
    now = datetime.now(UTC)
    with pytest.raises(CallbackRefused) as caught:
        platform.connector().parse_callback(first.headers, first.body, at=now)
    assert caught.value.code == "signature_mismatch"
    assert any(other.body == first.body for other in others)


def test_a_kill_loses_no_job_no_lease_and_no_callback(tmp_path, receiver):
    platform = PlatformProcess(tmp_path / "state.sqlite", seconds_per_hour="0.2")
    platform.start()
    try:
        requests = [dispatch_request(receiver.url) for _ in range(5)]
        receipts = [platform.connector().dispatch(request) for request in requests]
        receiver.wait_for(lambda got: any(b'"RUNNING"' in message.body for message in got))
        platform.kill()
        platform.start()
        for request, receipt in zip(requests, receipts, strict=True):
            again = platform.connector().dispatch(request)
            assert (again.ref, again.already_started) == (receipt.ref, True)
            events = wait_for_end(platform, receiver, request.lease_id)
            usage = {e.event_id: e for e in events if isinstance(e, UsageReported)}
            assert sum(e.accelerator_hours for e in usage.values()) == Decimal(52)
            assert {e.sequence for e in events} == set(range(1, 7))
    finally:
        platform.kill()


def test_the_platform_refuses_to_start_without_secrets(tmp_path):
    import subprocess
    import sys

    from tests.scheduling.platforms.conftest import ROOT

    command = [sys.executable, "-m", "scheduling.platforms.sandbox_server", "--port", "0"]
    ended = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, timeout=30)
    assert ended.returncode == 2
    assert b"SANDBOX_PLATFORM_TOKEN" in ended.stderr


def test_a_body_too_large_is_refused(platform):
    response = httpx.post(
        platform.url + "/v1/jobs",
        content=b"[" * 100_000,
        headers={"Authorization": "Bearer token-of-the-tests"},
        trust_env=False,
    )
    assert response.status_code == 413
