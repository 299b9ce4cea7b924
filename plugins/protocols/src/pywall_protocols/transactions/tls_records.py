"""TLS: the headers of a connection's records, for rules about sizes and renegotiations; nothing of them is read where
no rule asks.

A ClientHello that goes on where the detector does not look any more hides what it says: it is ambiguous. One of a
renegotiation is encrypted: that there is one is told by the type of its record.

:source: RFC 8446 section 5.1; RFC 5246 sections 7.1 (after ChangeCipherSpec a side says Finished) and 7.4.1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, Carried, Flow, HandOver, Transaction

from ..parsing.wire import cut, u16
from .saving import Saved

#: The carrier: type and length of each record.
RECORDS: Final = "tls.inner"
#: Of a flow's notes: a ClientHello is cut, or another one may come.
OPEN_HELLO: Final = "tls.open_hello"
#: Records of both directions that are given.
_MOST: Final = 48
_HEADER: Final = 5
_CHANGE_CIPHER_SPEC, _HANDSHAKE, _APPLICATION_DATA = 20, 22, 23
_CLIENT_HELLO: Final = 1
#: Of a side: it has changed the cipher, and said Finished.
_CHANGED, _FINISHED = 1, 2
RENEGOTIATED: Final = "renegotiated"


@final
class TlsRecords(Saved):
    """The parser of one connection. It has one transaction at most: that TLS is negotiated once more."""

    __slots__ = (
        "_asked", "_flow", "_given", "_heads", "_left", "_opened", "_said", "_wanted", "_watches", "confirmed",
        "has_transactions", "over",
    )  # fmt: skip

    def __init__(self, flow: Flow) -> None:
        self.confirmed = self.over = self.has_transactions = False
        self._flow = flow
        #: the ClientHello is known
        self._opened = False
        self._wanted = False
        self._asked: frozenset[str] = frozenset()
        #: nothing has shown yet that TLS is, or cannot be, negotiated once more
        self._watches = True
        self._given = 0
        #: of server and client: bytes of a header that is cut, bytes of a record that have not come, and whether it has
        #: changed the cipher, and said Finished
        self._heads = (b"", b"")
        self._left = (0, 0)
        self._said = (0, 0)

    def state_names(self) -> tuple[str, ...]:
        return "_opened", "_watches", "_given", "_heads", "_left", "_said"

    @property
    def carries(self) -> frozenset[str]:
        """Carriers that rules ask about."""
        return frozenset({RECORDS}) if self._wanted else frozenset()

    @carries.setter
    def carries(self, wanted: frozenset[str]) -> None:
        self._wanted = RECORDS in wanted

    @property
    def asked(self) -> frozenset[str]:
        """Facts that rules ask."""
        return self._asked

    @asked.setter
    def asked(self, names: frozenset[str]) -> None:
        self._asked = names

    def copy(self) -> TlsRecords:
        """Return a parser in the same state."""
        other = TlsRecords(self._flow)
        other._wanted, other._asked = self._wanted, self._asked
        other._opened, other._watches = self._opened, self._watches
        other._given, other._heads, other._left, other._said = self._given, self._heads, self._left, self._said
        other.over = self.over
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver | Carried | Ambiguous]:
        """Read the next bytes of a direction."""
        found: list[Transaction | HandOver | Carried | Ambiguous] = []
        flow = self._flow
        if not self._opened and (flow.ext is None or OPEN_HELLO not in flow.ext):
            self._opened = True
        elif not self._opened and to_server and flow.detect_done:
            self._opened = True
            found.append(Ambiguous("long_hello"))
        at = 0
        while at < len(data) and self._reads:
            left = self._left[to_server]
            if left:
                passed = min(left, len(data) - at)
                self._left = _with(self._left, to_server, left - passed)
                at += passed
                continue
            head = self._heads[to_server]
            taken = min(_HEADER - len(head), len(data) - at)
            head += cut(data, at, at + taken)
            at += taken
            whole = len(head) == _HEADER
            self._heads = _with(self._heads, to_server, b"" if whole else head)
            if whole:
                hello = to_server and head[0] >= 0x80 and head[2] == _CLIENT_HELLO
                self._left = _with(self._left, to_server, _rest_of_old(head) if hello else u16(head, 3))
                if hello:
                    continue
                self._record(to_server, head, found)
        self.over = self._opened and not self._reads
        return found

    @property
    def _reads(self) -> bool:
        """Whether records are of use to anybody."""
        return (self._wanted and self._given < _MOST) or (self._watches and RENEGOTIATED in self._asked)

    def _record(self, to_server: bool, head: bytes, found: list[Transaction | HandOver | Carried | Ambiguous]) -> None:
        if head[1] != 3:  # nothing of the kind
            self._given, self._watches = _MOST, False
            return
        if self._wanted and self._given < _MOST:
            self._given += 1
            found.append(Carried(RECORDS, to_server, head[:1] + head[3:], self._given))
        kind, said = head[0], self._said[to_server]
        if kind == _CHANGE_CIPHER_SPEC and not said:
            self._said = _with(self._said, to_server, _CHANGED)
        elif kind == _HANDSHAKE and said == _CHANGED:
            self._said = _with(self._said, to_server, _FINISHED)
        elif kind in (_HANDSHAKE, _APPLICATION_DATA) and self._watches and RENEGOTIATED in self._asked:
            facts = {name[4:]: value for name, value in self._flow.facts.items() if name.startswith("tls.")}
            if facts.get("version", "").startswith("TLS 1.3"):
                self._watches = False  # it has no renegotiation
            elif kind == _HANDSHAKE and said == _FINISHED:
                self._watches = False
                found.append(Transaction(0, {**facts, RENEGOTIATED: True}, True, RENEGOTIATED))

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless inside of a record."""
        if not self._reads:
            return True
        left = self._left[to_server]
        if size > left or self._heads[to_server]:
            return False
        self._left = _with(self._left, to_server, left - size)
        return True

    def finish(self) -> Sequence[Transaction]:
        """Nothing is open."""
        return ()


def _rest_of_old(head: bytes) -> int:
    """Return how many bytes an SSLv2 ClientHello has behind its first five (RFC 5246 appendix E.2): only the first
    record of a client may be one, others end the connection.
    """
    return max((head[0] & 0x7F) << 8 | head[1], 3) - 3


def _with(pair: tuple[Any, Any], to_server: bool, value: Any) -> tuple[Any, Any]:
    return (pair[0], value) if to_server else (value, pair[1])


def follow(flow: Flow) -> TlsRecords | None:
    """Return the parser of a flow that was detected as TLS; None where its start was not seen."""
    return None if flow.midstream else TlsRecords(flow)
