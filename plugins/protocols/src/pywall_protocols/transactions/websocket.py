"""WebSocket: what the frames carry, unmasked, and where TLS or SSH begins in it.

:source: RFC 6455 sections 5.2 (frames), 5.3 (masks), 5.4 (fragments); RFC 7692 section 7.2.2 (compressed messages)
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Carried, Flow, HandOver, Transaction

from .hello_watch import HelloWatch
from .saving import Saved
from .unwrapping import PayloadUnwrapper
from .websocket_frames import FrameReader

#: The carrier of messages.
MESSAGES: Final = "websocket"
#: Bytes of the server that are held until the client has said whether SSH begins.
_MOST_HELD: Final = 65536
_SSH: Final = b"SSH-2."
#: Bytes that one piece of a compressed message may inflate to.
_MOST_INFLATED: Final = 262144


@final
class Side(Saved):
    """One direction's reader, and what inflates its compressed messages.

    ``over``: no more can be read; a message would inflate to too much, or to nothing that is deflate. What was inflated
    does not go to another process: there, compressed messages that refer to earlier ones are not read.
    """

    __slots__ = ("_inflate", "over", "reader")

    def __init__(self) -> None:
        self.reader = FrameReader()
        self._inflate: Any = None
        self.over = False

    def state_names(self) -> tuple[str, ...]:
        return "over", "reader"

    def copy(self) -> Side:
        """Return the same state once more."""
        other = Side()
        other.reader, other.over = self.reader.copy(), self.over
        other._inflate = None if self._inflate is None else self._inflate.copy()
        return other

    def message(self, payload: bytes) -> bytes:
        """Return what the payload that was read last says: nothing of control frames, compressed messages inflated."""
        reader = self.reader
        if reader.control or self.over:
            return b""
        if not reader.compressed:
            return payload
        parts: list[bytes] = []
        while payload:
            if self._inflate is None:
                self._inflate = zlib.decompressobj(-15)
            try:
                parts.append(self._inflate.decompress(payload, _MOST_INFLATED))
            except zlib.error:
                self.over = True
            if self.over or self._inflate.unconsumed_tail:
                self.over = True
                break
            payload = self._inflate.unused_data
            if self._inflate.eof:  # the sender begins another stream behind it (RFC 7692 section 7.2.3.4)
                self._inflate = None
        return b"".join(parts)

    def read(self, data: bytes) -> bytes:
        """Return what the next bytes say."""
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            payload, at = self.reader.read(data, at)
            parts.append(self.message(payload))
        return b"".join(parts)


@final
class WebSocketTransactions(Saved):
    """The parser of one connection. It finds no transactions: what is carried, and one hand-over."""

    __slots__ = (
        "_client", "_given_client", "_given_server", "_held_client", "_held_server", "_opening", "_server", "_wanted",
        "_watch", "confirmed", "has_transactions", "over",
    )  # fmt: skip

    def __init__(self) -> None:
        self.confirmed = self.over = self.has_transactions = False
        self._client, self._server = Side(), Side()
        #: payload of each direction, until it is known that SSH does not begin in it
        self._held_client = self._held_server = b""
        self._opening = True
        #: finds a hello of TLS, also behind other messages
        self._watch = HelloWatch()
        self._wanted = False
        #: bytes that were given of each direction
        self._given_client = self._given_server = 0

    @property
    def carries(self) -> frozenset[str]:
        """Carriers that rules ask about."""
        return frozenset({MESSAGES}) if self._wanted else frozenset()

    @carries.setter
    def carries(self, wanted: frozenset[str]) -> None:
        self._wanted = MESSAGES in wanted

    def state_names(self) -> tuple[str, ...]:
        return (
            "over", "_client", "_server", "_watch", "_opening", "_held_client", "_held_server", "_given_client",
            "_given_server",
        )  # fmt: skip

    def copy(self) -> WebSocketTransactions:
        """Return a parser in the same state."""
        other = WebSocketTransactions()
        other.over, other._wanted, other._opening = self.over, self._wanted, self._opening
        other._client, other._server, other._watch = self._client.copy(), self._server.copy(), self._watch.copy()
        other._held_client, other._held_server = self._held_client, self._held_server
        other._given_client, other._given_server = self._given_client, self._given_server
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver | Carried]:
        """Read the next bytes of a direction."""
        found: list[Transaction | HandOver | Carried] = []
        side = self._client if to_server else self._server
        said: list[bytes] = []
        at = 0
        while at < len(data):
            payload, at = side.reader.read(data, at)
            if not payload:
                break
            if not self._watch.over:
                said.append(side.message(payload))
            if self._wanted:
                self._carry(to_server, payload, side.reader.compressed, found)
        inside = self._look(to_server, b"".join(said))
        if inside is not None:
            found.append(inside)
        self.over = (side.reader.broken or self._watch.over) and not self._wanted
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Behind missing bytes nobody knows where a frame begins."""
        return False

    def finish(self) -> Sequence[Transaction]:
        """Nothing is open."""
        return ()

    def _carry(
        self, to_server: bool, payload: bytes, compressed: bool, found: list[Transaction | HandOver | Carried]
    ) -> None:
        given = self._given_client if to_server else self._given_server
        found.append(Carried(MESSAGES, to_server, payload, given, "permessage-deflate" if compressed else ""))
        if to_server:
            self._given_client += len(payload)
        else:
            self._given_server += len(payload)

    def _look(self, to_server: bool, said: bytes) -> HandOver | None:
        """Return where TLS or SSH begins in what was said: SSH with the client's first bytes, TLS anywhere."""
        if not said:
            return None
        unwrap = PayloadUnwrapper(self._client, self._server)
        for hello in self._watch.feed(to_server, said):
            return HandOver(hello.client, hello.server, unwrap=unwrap)
        if not self._opening:
            return None
        if to_server:
            self._held_client += said
        else:
            self._held_server += said[: _MOST_HELD - len(self._held_server)]
        if len(self._held_client) < len(_SSH):
            return None
        client, server, self._opening = self._held_client, self._held_server, False
        self._held_client = self._held_server = b""
        return HandOver(client, server, unwrap=unwrap) if client.startswith(_SSH) else None


def follow(flow: Flow) -> WebSocketTransactions:
    """Return the parser of a flow that was detected as WebSocket."""
    return WebSocketTransactions()
