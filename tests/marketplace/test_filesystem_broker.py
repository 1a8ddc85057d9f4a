"""The demo's broker: a message is seen whole or not at all."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

from marketplace import filesystem_broker

MESSAGES = 100


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    for name in ("mail", "control"):
        (tmp_path / name).mkdir()
    mail = str(tmp_path / "mail")
    return {
        "data_folder_in": mail,
        "data_folder_out": mail,
        "control_folder": str(tmp_path / "control"),
    }


def _send(options: dict[str, Any], sender: int) -> None:
    queue = Queue("news", Exchange("news", type="direct"), routing_key="news")
    with Connection("filesystem://", transport_options=options) as connection:
        producer = connection.Producer()
        for number in range(MESSAGES):
            body = {"sender": sender, "number": number, "padding": "x" * 2_000_000}
            producer.publish(body, exchange=queue.exchange, routing_key="news", declare=[queue])


@pytest.mark.slow
def test_a_reader_beside_two_writers_never_meets_half_a_message(options: dict[str, Any]):
    queue = Queue("news", Exchange("news", type="direct"), routing_key="news")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_send, args=(options, sender)) for sender in (1, 2)]
    for writer in writers:
        writer.start()
    seen = set()
    with Connection("filesystem://", transport_options=options) as connection:
        channel = connection.default_channel
        bound = queue.bind(channel)
        bound.declare()
        while any(writer.is_alive() for writer in writers) or channel._size("news"):
            message = bound.get(no_ack=True)  # raises where the file holds half a message
            if message is not None:
                seen.add((message.payload["sender"], message.payload["number"]))
    assert len(seen) == 2 * MESSAGES


def test_a_file_is_replaced_whole_and_leaves_no_draft(tmp_path: Path):
    file = tmp_path / "table"
    filesystem_broker.write_whole(file, json.dumps([1]))
    filesystem_broker.write_whole(file, json.dumps([1, 2]))
    assert json.loads(file.read_text()) == [1, 2]
    assert [each.name for each in tmp_path.iterdir()] == ["table"]
