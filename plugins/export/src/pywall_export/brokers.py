"""Brokers: what takes records away. One class a kind of broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from .broker import Broker, BrokerError
from .record import Record

if TYPE_CHECKING:
    from .options import ExportOptions


class RedisStreams:
    """Redis Streams (redis.io, XADD): an entry has the fields ``id`` and ``event``.

    A batch is one transaction: either all of it is in the stream or nothing. redis-py's own attempts are off, since
    they would come before the spool.
    """

    def __init__(self, options: ExportOptions) -> None:
        self._stream = options.topic
        self._max_length = options.max_length or None
        self._client = Redis.from_url(
            options.url,
            socket_timeout=options.timeout,
            socket_connect_timeout=options.timeout,
            retry=Retry(NoBackoff(), 0),
        )

    def send(self, records: Sequence[Record]) -> None:
        """Send records in order; see :class:`Broker`."""
        try:
            with self._client.pipeline(transaction=True) as batch:
                for record in records:
                    fields: dict[Any, Any] = {"id": record.id, "event": record.body}
                    batch.xadd(self._stream, fields, maxlen=self._max_length)
                batch.execute()
        except (RedisError, OSError, ValueError) as error:
            raise BrokerError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def connect(options: ExportOptions) -> Broker:
    """Return the broker that the URL names. Nothing is opened yet."""
    if options.url.startswith("nats:"):
        from .nats import JetStream

        return JetStream(options)
    if options.url.startswith("kafka:"):
        from .kafka import Kafka

        return Kafka(options)
    return RedisStreams(options)
