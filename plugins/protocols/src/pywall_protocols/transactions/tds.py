"""Where TDS turns to TLS: its handshake comes inside of packets of type PRELOGIN, what follows has none around it.

:source: MS-TDS sections 2.2.3.1 (packet header), 2.2.6.5 (PRELOGIN) and 3.2.5.2 (TLS negotiation)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, final

from pywall_core.api import Flow, HandOver, Transaction

from ..parsing.wire import cut, u16
from .hello_watch import HelloWatch
from .saving import Saved
from .unwrapping import PayloadUnwrapper

_HEADER: Final = 8
#: Types of TLS records, which no packet has.
_RECORDS: Final = b"\x14\x15\x16\x17"


@final
class TdsReader(Saved):
    """One direction: packets in, what they carry out. ``bare``: records of TLS have come without a packet around."""

    __slots__ = ("_head", "_left", "bare")

    def __init__(self) -> None:
        self.bare = False
        self._head = b""
        self._left = 0

    def state_names(self) -> tuple[str, ...]:
        return "_head", "_left", "bare"

    def load(self, saved: Any) -> None:
        """Take a state."""
        super().load(saved)
        if self._left < 0 or len(self._head) >= _HEADER:
            raise ValueError("not the state of this reader")

    def copy(self) -> TdsReader:
        """Return a reader in the same state."""
        other = TdsReader()
        other.bare, other._head, other._left = self.bare, self._head, self._left
        return other

    def read(self, data: bytes) -> bytes:
        """Return what the next bytes carry."""
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            if not self._left and not self._head:
                self.bare = self.bare or data[at] in _RECORDS
            if self.bare:
                parts.append(data[at:])
                break
            if not self._left:
                taken = cut(data, at, at + _HEADER - len(self._head))
                at += len(taken)
                self._head += taken
                if len(self._head) == _HEADER:
                    self._left = max(0, u16(self._head, 2) - _HEADER)
                    self._head = b""
                continue
            parts.append(cut(data, at, at + self._left))
            at += len(parts[-1])
            self._left -= len(parts[-1])
        return b"".join(parts)


@final
class TdsDialogue(Saved):
    """The parser of one connection. It finds no transactions, and one hand-over."""

    __slots__ = ("_client", "_server", "_watch", "confirmed", "has_transactions", "over")

    def __init__(self) -> None:
        self.confirmed = self.has_transactions = self.over = False
        self._client, self._server = TdsReader(), TdsReader()
        self._watch = HelloWatch()

    def state_names(self) -> tuple[str, ...]:
        return "over", "_client", "_server", "_watch"

    def copy(self) -> TdsDialogue:
        """Return a parser in the same state."""
        other = TdsDialogue()
        other.over = self.over
        other._client, other._server, other._watch = self._client.copy(), self._server.copy(), self._watch.copy()
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[HandOver]:
        """Read the next bytes of a direction."""
        carried = (self._client if to_server else self._server).read(data)
        found = self._watch.feed(to_server, carried)
        self.over = self._watch.over
        return [replace(each, unwrap=PayloadUnwrapper(self._client, self._server)) for each in found]

    def gap(self, to_server: bool, size: int) -> bool:
        """Behind missing bytes nobody knows where a packet begins."""
        return False

    def finish(self) -> Sequence[Transaction]:
        """Nothing is open."""
        return ()


def follow(flow: Flow) -> TdsDialogue | None:
    """Return the parser of a flow that was detected as TDS; None where its start was not seen."""
    return None if flow.midstream else TdsDialogue()
