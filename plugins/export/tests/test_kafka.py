"""Events in librdkafka's own mock cluster, over TCP: in order, and sent again after the cluster was away."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from pywall_export.broker import BrokerError
from pywall_export.brokers import connect
from pywall_export.kafka import Kafka
from pywall_export.options import ExportOptions
from pywall_export.record import Record


@pytest.fixture
def cluster() -> tuple[Producer, str]:
    """A mock cluster lives as long as the client that it was asked of."""
    owner = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = owner.list_topics(timeout=10).brokers.values()
    return owner, f"{broker.host}:{broker.port}"


def records(first: int, last: int) -> list[Record]:
    return [Record(f"run-{number}", b'{"n":%d}' % number) for number in range(first, last)]


def read(address: str, expected: int) -> list[tuple[Any, Any]]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe(["events"])
    found: list[tuple[Any, Any]] = []
    while len(found) < expected:
        messages = consumer.consume(expected, timeout=20)
        assert messages
        assert not [message.error() for message in messages if message.error()]
        found += [(dict(message.headers())["id"], message.value()) for message in messages]
    consumer.close()
    return found


def test_records_arrive_in_order_with_their_ids(cluster: tuple[Producer, str]) -> None:
    owner, address = cluster
    kafka = connect(ExportOptions(url=f"kafka://{address}", topic="events", timeout=10))
    assert isinstance(kafka, Kafka)
    kafka.send(records(0, 700))
    kafka.send(records(700, 1000))
    kafka.close()
    assert read(address, 1000) == [(record.id.encode(), record.body) for record in records(0, 1000)]
    assert owner


def test_a_cluster_that_is_away_is_said_and_found_again(cluster: tuple[Producer, str]) -> None:
    _, address = cluster
    kafka = Kafka(ExportOptions(url=f"kafka://{address}", topic="events", timeout=10))
    gone = Kafka(ExportOptions(url="kafka://127.0.0.1:1", topic="events", timeout=0.5))
    with pytest.raises(BrokerError, match=r"refused|timed out"):
        gone.send(records(0, 3))
    gone._config = kafka._config
    gone.send(records(0, 3))
    gone.close()
    kafka.close()
    assert [value for _, value in read(address, 3)] == [record.body for record in records(0, 3)]
