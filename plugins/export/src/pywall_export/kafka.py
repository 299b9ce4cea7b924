"""Apache Kafka, by librdkafka: each record is a message; its ID is in the header ``id``.

All records of one worker's run have one key, so that they come to one partition and stay in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from confluent_kafka import KafkaError, KafkaException, Producer

from .broker import BrokerError, RefusedError
from .record import Record

if TYPE_CHECKING:
    from .options import ExportOptions


#: errors that are about the record itself
_NEVER: Final = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG, KafkaError.INVALID_MSG_SIZE}
)


class Kafka:
    """Messages to a topic of a cluster; the URL names one of its brokers, ``kafka://host:port``."""

    def __init__(self, options: ExportOptions) -> None:
        parts = urlsplit(options.url)
        self._topic = options.topic
        self._seconds = options.timeout
        self._reason = ""
        self._config: dict[str, Any] = {
            "bootstrap.servers": f"{parts.hostname}:{parts.port or 9092}",
            "client.id": "pywall",
            "acks": "all",
            "message.timeout.ms": round(options.timeout * 1000),
            "socket.timeout.ms": max(10, round(options.timeout * 1000)),
            "linger.ms": 0,
            "log_level": 0,
            "error_cb": self._note,
        }
        if parts.username:
            self._config |= {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": parts.username,
                "sasl.password": parts.password or "",
            }
        self._producer: Producer | None = None

    def send(self, records: Sequence[Record]) -> None:
        """Send records in order; see :class:`brokers.Broker`."""
        left = len(records)
        failures: list[object] = []

        def delivered(error: object, _message: object) -> None:
            nonlocal left
            left -= 1
            if error is not None:
                failures.append(error)

        try:
            if self._producer is None:
                self._producer = Producer(self._config)
            for record in records:
                key = record.id.partition("-")[0]
                self._producer.produce(
                    self._topic, record.body, key, headers={"id": record.id.encode()}, on_delivery=delivered
                )
            self._producer.flush(self._seconds + 1.0)
        except (KafkaException, BufferError) as error:
            failures.append(error.args[0] if error.args else error)
        if left or failures:
            self.close()
            for failure in failures:
                if isinstance(failure, KafkaError) and failure.code() in _NEVER:
                    raise RefusedError(str(failure))
            raise BrokerError(str(failures[0]) if failures else self._reason or "no answer")

    def close(self) -> None:
        """Give up what is not delivered, and close the connections."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(0)

    def _note(self, error: object) -> None:
        self._reason = str(error)
