"""WebSocket: what the frames carry, unmasked, and where TLS or SSH begins in it.

:source: RFC 6455 sections 5.2 (frames), 5.3 (masks), 5.4 (fragments); RFC 7692 section 7.2.2 (compressed messages)
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Carried, Flow, HandOver, Transaction

from ..parsing.wire import cut
from .hello_watch import HelloWatch
from .saving import Saved

#: The carrier of messages.
MESSAGES: Final = "websocket"
#: What ends each compressed message and is not sent (RFC 7692 section 7.2.1).
_FLUSH: Final = b"\0\0\xff\xff"
#: Bytes of the server that are held until the client has said whether SSH begins.
_MOST_HELD: Final = 65536
_SSH: Final = b"SSH-2."
#: Bytes that one piece of a compressed message may inflate to.
_MOST_INFLATED: Final = 262144
_FIN, _COMPRESSED, _MASKED, _CONTROL = 0x80, 0x40, 0x80, 8


@final
class FrameReader(Saved):
    """One direction: frames in, payload out. ``compressed``: the last payload is a part of a compressed message.
    ``control``: it is that of a control frame.

    ``broken``: the bytes are no frames. Its state is made of values, so that :meth:`copy` is cheap.
    """

    __slots__ = ("_ends", "_head", "_key", "_left", "_message_compressed", "broken", "compressed", "control")

    def __init__(self) -> None:
        self.broken = False
        self.compressed = self.control = False
        self._head = b""
        self._key = b""
        self._left = 0
        #: a compressed message ends with the present frame
        self._ends = False
        self._message_compressed = False

    def state_names(self) -> tuple[str, ...]:
        return self.__slots__

    def copy(self) -> FrameReader:
        """Return a reader in the same state."""
        other = FrameReader()
        other.broken, other.compressed, other._head, other._key = self.broken, self.compressed, self._head, self._key
        other._left, other._ends, other._message_compressed = self._left, self._ends, self._message_compressed
        other.control = self.control
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
        self.control = code >= _CONTROL
        if not self.control:
            if code:
                self._message_compressed = bool(head[0] & _COMPRESSED)
            self.compressed = self._message_compressed
            self._ends = self.compressed and bool(head[0] & _FIN)
        else:
            self.compressed = False
        return at


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
class WebSocketPayload:
    """Takes the payload out of both directions' frames, for what is carried inside."""

    __slots__ = ("_client", "_server")

    def __init__(self, client: Side, server: Side) -> None:
        self._client, self._server = client, server

    def unwrap(self, to_server: bool, data: bytes) -> bytes:
        """Return the payload of the next bytes of a direction."""
        return (self._client if to_server else self._server).read(data)

    def copy(self) -> WebSocketPayload:
        """Return the same state once more."""
        return WebSocketPayload(self._client.copy(), self._server.copy())


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
        unwrap = WebSocketPayload(self._client, self._server)
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


def _unmask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
