"""WebSocket: what the frames carry, unmasked, and where TLS or SSH begins in it.

:source: RFC 6455 sections 5.2 (frames), 5.3 (masks), 5.4 (fragments); RFC 7692 section 7.2.2 (compressed messages)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from pywall_core.api import Carried, Flow, HandOver, Transaction

from ..parsing.wire import cut

#: The carrier of messages.
MESSAGES: Final = "websocket"
#: What ends each compressed message and is not sent (RFC 7692 section 7.2.1).
_FLUSH: Final = b"\0\0\xff\xff"
#: Bytes of payload of a direction that are held until it is known whether another protocol begins in them.
_MOST_HELD: Final = 65536
#: Bytes of payload that tell it.
_OPENING: Final = 6
_FIN, _COMPRESSED, _MASKED, _CONTROL = 0x80, 0x40, 0x80, 8


@final
class FrameReader:
    """One direction: frames in, payload out. ``compressed``: the last payload is a part of a compressed message.

    ``broken``: the bytes are no frames. Its state is made of values, so that :meth:`copy` is cheap.
    """

    __slots__ = ("_ends", "_head", "_key", "_left", "_message_compressed", "broken", "compressed")

    def __init__(self) -> None:
        self.broken = False
        self.compressed = False
        self._head = b""
        self._key = b""
        self._left = 0
        #: a compressed message ends with the present frame
        self._ends = False
        self._message_compressed = False

    def copy(self) -> FrameReader:
        """Return a reader in the same state."""
        other = FrameReader()
        other.broken, other.compressed, other._head, other._key = self.broken, self.compressed, self._head, self._key
        other._left, other._ends, other._message_compressed = self._left, self._ends, self._message_compressed
        return other

    def read(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Return the next payload, as far as it is there, and the offset behind it; nothing at the end of ``data``."""
        size = len(data)
        while at < size and not self.broken:
            if not self._left:
                at = self._header(data, at)
                if self._left or not self._ends:
                    continue
                self._ends = False
                return _FLUSH, at
            taken = min(self._left, size - at)
            payload = data[at : at + taken]
            at += taken
            self._left -= taken
            if self._key:
                payload = _unmask(payload, self._key)
                turn = taken & 3
                self._key = self._key[turn:] + self._key[:turn]
            if self._ends and not self._left:
                self._ends = False
                payload += _FLUSH
            return payload, at
        return b"", size

    def _header(self, data: bytes, at: int) -> int:
        """Read on in a frame's header, which may be cut anywhere; the offset behind what was read."""
        while True:
            head = self._head
            needed = 2
            if len(head) >= 2:
                length = head[1] & 0x7F
                needed = 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if head[1] & _MASKED else 0)
            if len(head) >= 2 and len(head) == needed:
                break
            more = cut(data, at, at + needed - len(head))
            if not more:
                return at
            self._head += more
            at += len(more)
        self._head = b""
        key_at = needed - 4 if head[1] & _MASKED else needed
        self._left = head[1] & 0x7F if key_at == 2 else int.from_bytes(cut(head, 2, key_at), "big")
        self._key = head[key_at:]
        code = head[0] & 0x0F
        self.broken = self._left >> 63 != 0 or head[0] & 0x30 != 0 or code & 7 > 2
        if code < _CONTROL:
            if code:
                self._message_compressed = bool(head[0] & _COMPRESSED)
            self.compressed = self._message_compressed
            self._ends = self.compressed and bool(head[0] & _FIN)
        else:
            self.compressed = False
        return at


@final
class WebSocketPayload:
    """Takes the payload out of both directions' frames, for what is carried inside."""

    __slots__ = ("_client", "_server")

    def __init__(self, client: FrameReader, server: FrameReader) -> None:
        self._client, self._server = client, server

    def unwrap(self, to_server: bool, data: bytes) -> bytes:
        """Return the payload of the next bytes of a direction."""
        return _join(self._client if to_server else self._server, data)

    def copy(self) -> WebSocketPayload:
        """Return the same state once more."""
        return WebSocketPayload(self._client.copy(), self._server.copy())


@final
class WebSocketTransactions:
    """The parser of one connection. It finds no transactions: what is carried, and one hand-over at the beginning."""

    __slots__ = (
        "_client", "_given_client", "_given_server", "_held_client", "_held_server", "_looking", "_server", "_wanted",
        "confirmed", "has_transactions", "over",
    )  # fmt: skip

    def __init__(self) -> None:
        self.confirmed = self.over = self.has_transactions = False
        self._client, self._server = FrameReader(), FrameReader()
        #: payload of each direction, until it is known that no protocol begins in it
        self._held_client = self._held_server = b""
        self._looking = True
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

    def copy(self) -> WebSocketTransactions:
        """Return a parser in the same state."""
        other = WebSocketTransactions()
        other.over, other._wanted, other._looking = self.over, self._wanted, self._looking
        other._client, other._server = self._client.copy(), self._server.copy()
        other._held_client, other._held_server = self._held_client, self._held_server
        other._given_client, other._given_server = self._given_client, self._given_server
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver | Carried]:
        """Read the next bytes of a direction."""
        found: list[Transaction | HandOver | Carried] = []
        reader = self._client if to_server else self._server
        at = 0
        while at < len(data):
            payload, at = reader.read(data, at)
            if not payload:
                break
            if self._looking:
                self._hold(to_server, payload)
            if self._wanted:
                self._carry(to_server, payload, reader.compressed, found)
        if self._looking:
            self._look(found)
        self.over = (reader.broken or not self._looking) and not self._wanted
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

    def _hold(self, to_server: bool, payload: bytes) -> None:
        if to_server:
            self._held_client += payload[: _MOST_HELD - len(self._held_client)]
        else:
            self._held_server += payload[: _MOST_HELD - len(self._held_server)]

    def _look(self, found: list[Transaction | HandOver | Carried]) -> None:
        """Say whether TLS or SSH begins in the payload, once the client has said enough."""
        client, server = self._held_client, self._held_server
        if len(client) < _OPENING:
            return
        self._looking = False
        self._held_client = self._held_server = b""
        tls = client[0] == 0x16 and client[1] == 3 and client[5] == 1
        if (tls or client.startswith(b"SSH-2.")) and not (self._client.compressed or self._server.compressed):
            inside = WebSocketPayload(self._client, self._server)
            found.append(HandOver(client, server, unwrap=inside))


def follow(flow: Flow) -> WebSocketTransactions:
    """Return the parser of a flow that was detected as WebSocket."""
    return WebSocketTransactions()


def _join(reader: FrameReader, data: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < len(data):
        payload, at = reader.read(data, at)
        parts.append(payload)
    return b"".join(parts)


def _unmask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
