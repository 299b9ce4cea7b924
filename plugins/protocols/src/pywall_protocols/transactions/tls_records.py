"""TLS: the headers of a connection's first records, for rules about sizes; nothing of them is read where no rule asks.

A ClientHello that goes on where the detector does not look any more hides what it says: it is ambiguous.

:source: RFC 8446 section 5.1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from pywall_core.api import Ambiguous, Carried, Flow, HandOver, Transaction

from ..parsing.wire import cut, u16

#: The carrier: type and length of each record.
RECORDS: Final = "tls.inner"
#: Of a flow's notes: a ClientHello is cut, or another one may come.
OPEN_HELLO: Final = "tls.open_hello"
#: Records of both directions that are given.
_MOST: Final = 48
_HEADER: Final = 5


@final
class TlsRecords:
    """The parser of one connection. It finds no transactions."""

    __slots__ = ("_flow", "_given", "_heads", "_left", "_wanted", "confirmed", "has_transactions", "over")

    def __init__(self, flow: Flow | None = None) -> None:
        self.confirmed = self.has_transactions = False
        #: whose ClientHello may go on
        self._flow = flow
        #: nobody asks or enough was given, and the ClientHello is known
        self.over = flow is None
        self._wanted = False
        self._given = 0
        #: of server and client: bytes of a header that is cut, and bytes of a record that have not come
        self._heads = (b"", b"")
        self._left = (0, 0)

    @property
    def carries(self) -> frozenset[str]:
        """Carriers that rules ask about."""
        return frozenset({RECORDS}) if self._wanted else frozenset()

    @carries.setter
    def carries(self, wanted: frozenset[str]) -> None:
        self._wanted = RECORDS in wanted
        self._end()

    def copy(self) -> TlsRecords:
        """Return a parser in the same state."""
        other = TlsRecords(self._flow)
        other._wanted, other._given, other._heads, other._left = self._wanted, self._given, self._heads, self._left
        other.over = self.over
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver | Carried | Ambiguous]:
        """Read the next bytes of a direction."""
        found: list[Transaction | HandOver | Carried | Ambiguous] = []
        flow = self._flow
        if flow is not None and (flow.ext is None or OPEN_HELLO not in flow.ext):
            self._flow = None
        elif flow is not None and to_server and flow.detect_done:
            self._flow = None
            found.append(Ambiguous("long_hello"))
        if not self._wanted:
            self._end()
            return found
        head, left = self._heads[to_server], self._left[to_server]
        at = min(left, len(data))
        left -= at
        while at < len(data) and self._given < _MOST:
            taken = min(_HEADER - len(head), len(data) - at)
            head += cut(data, at, at + taken)
            at += taken
            if len(head) < _HEADER:
                break
            if head[1] != 3:
                self._given = _MOST  # SSLv2, or nothing of the kind
                break
            self._given += 1
            found.append(Carried(RECORDS, to_server, head[:1] + head[3:], self._given))
            size, head = u16(head, 3), b""
            passed = min(size, len(data) - at)
            at += passed
            left = size - passed
        self._end()
        if to_server:
            self._heads, self._left = (self._heads[0], head), (self._left[0], left)
        else:
            self._heads, self._left = (head, self._heads[1]), (left, self._left[1])
        return found

    def _end(self) -> None:
        self.over = self._flow is None and (not self._wanted or self._given >= _MOST)

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless inside of a record."""
        if not self._wanted:
            return True
        left = self._left[to_server]
        if size > left or self._heads[to_server]:
            return False
        self._left = (self._left[0], left - size) if to_server else (left - size, self._left[1])
        return True

    def finish(self) -> Sequence[Transaction]:
        """Nothing is open."""
        return ()


def follow(flow: Flow) -> TlsRecords | None:
    """Return the parser of a flow that was detected as TLS; None where its start was not seen."""
    return None if flow.midstream else TlsRecords(flow)
