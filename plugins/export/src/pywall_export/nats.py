"""NATS JetStream (docs.nats.io, JetStream): each record is a message with its ID in ``Nats-Msg-Id``.

nats-py is asynchronous. Its loop runs in a thread of its own, so that the server's pings are answered between batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from nats.aio.client import Client
from nats.errors import MaxPayloadError

from .broker import BrokerError, RefusedError
from .record import Record

if TYPE_CHECKING:
    from .options import ExportOptions

#: seconds that a call may take beside the client's own timeouts, after which it is given up
_GRACE: Final = 1.0


class JetStream:
    """Messages to a subject that a stream of the server collects. The stream is made by the server's administrator."""

    def __init__(self, options: ExportOptions) -> None:
        self._url = options.url
        self._subject = options.topic
        self._timeout = options.timeout
        self._client: Client | None = None
        self._reason: Exception | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="export: NATS", daemon=True)
        self._thread.start()

    def send(self, records: Sequence[Record]) -> None:
        """Send records in order; return when the stream has confirmed each, by :class:`brokers.Broker`.

        :raises BrokerError: not all are confirmed; the connection is closed then, and opened by the next call
        """
        try:
            self._call(self._send(records))
        except MaxPayloadError as error:  # raised before anything of that record is sent
            raise RefusedError(f"an event is larger than the server's max_payload: {error}") from error
        except Exception as error:  # nats-py raises of many kinds: its own, OSError, asyncio's
            self._drop()
            reason = self._reason or error
            raise BrokerError(f"{type(reason).__name__}: {reason}") from error

    def close(self) -> None:
        """Close the connection, and end the loop and its thread."""
        self._drop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._timeout + _GRACE)
        if not self._thread.is_alive():
            self._loop.close()

    async def _send(self, records: Sequence[Record]) -> None:
        if self._client is None:
            self._reason = None
            self._client = Client()
            # two attempts without a pause, the fewest that the client can be told; the sender pauses between its calls
            await self._client.connect(
                self._url,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=self._timeout,  # type: ignore[arg-type,unused-ignore]  # asyncio takes fractions
                error_cb=self._note,
            )
        stream = self._client.jetstream(timeout=self._timeout)
        # all are on their way before the first answer; tasks start in the order of their making
        await asyncio.gather(
            *(stream.publish(self._subject, each.body, headers={"Nats-Msg-Id": each.id}) for each in records)
        )

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                self._call(client.close())
            except Exception:  # it is of no more use, whatever it says
                return

    def _call(self, work: Coroutine[Any, Any, Any]) -> None:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            future.result(2 * self._timeout + _GRACE)
        except BaseException:
            future.cancel()
            raise

    async def _note(self, error: Exception) -> None:
        """Keep why the connection failed: the client then raises only that no server is left."""
        self._reason = error
