"""SOCKS 4, 4a and 5, and where the tunnel begins.

:checked: version 5: methods, the server's choice among them, the request; version 4: command, address, user and, 4a,
    name; the server's reply
:source: RFC 1928, RFC 1929, SOCKS: A protocol for TCP proxy across firewalls (Koblas), SOCKS 4A (Lee)
:minimum: 2 bytes of each side, or 10 of the client
:facts: version, command, host, port, user
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final, final

from pywall_core.api import (
    MORE,
    NO,
    Ambiguous,
    Answer,
    Flow,
    HandOver,
    Match,
    Transaction,
    TransactionParser,
    hookimpl,
)

from ..parsing.evidence import HINT, LEANING, WEAK, Evidence, either_first
from ..parsing.wire import cut, text, u16
from ..transactions.saving import Saved

api_version = 1
protocols = ("socks",)
transport = "tcp"
tier = "structural"
first_client = b"\x04\x05"
first_server = b"\0\5"

_COMMANDS: Final = {1: "connect", 2: "bind", 3: "udp_associate"}
#: IANA's SOCKS methods, and those for private use that are seen
_METHODS: Final = bytes((*range(10), *range(0x80, 0x90), 0xFE))
#: bytes of a user name
_PRINTABLE: Final = bytes(range(33, 127))
#: bytes of a direction that are held until the request is granted, of all replies, and of a login and a request
_MOST_HELD: Final = 65536
_LONGEST_REPLY: Final = 1024
_LONGEST_BEFORE: Final = 513 + 262
_SIZES: Final = {1: 4, 4: 16}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SOCKS; hand over to what a granted connection carries."""
    return _says(client, server)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Hand over to what a granted connection carries; None where the request was not seen."""
    return None if flow.midstream else SocksTunnel()


@final
class SocksTunnel(Saved):
    """The parser of one connection. What a client says before its request is granted is ambiguous: it passes before it
    is looked at as the tunnel's.
    """

    __slots__ = ("_client", "_server", "confirmed", "has_transactions", "over")

    def __init__(self) -> None:
        self.confirmed = self.over = self.has_transactions = False
        self._client = self._server = b""

    def state_names(self) -> tuple[str, ...]:
        return "over", "_client", "_server"

    def copy(self) -> SocksTunnel:
        """Return a parser in the same state."""
        other = SocksTunnel()
        other.over, other._client, other._server = self.over, self._client, self._server
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[HandOver | Ambiguous]:
        """Read the next bytes of a direction."""
        if to_server:
            self._client += data[: _MOST_HELD - len(self._client)]
        else:
            self._server += data[: _MOST_HELD - len(self._server)]
        answer = _says(self._client, self._server)
        if isinstance(answer, Match) and answer.restart is not None:
            client_at, server_at = answer.restart
            return (HandOver(self._client[client_at:], self._server[server_at:]),)
        self.over = answer is NO or len(self._server) >= _LONGEST_REPLY
        early = to_server and 0 < _request_end(self._client) < len(self._client)
        return (Ambiguous("early_bytes", hides_inner=True),) if early else ()

    def gap(self, to_server: bool, size: int) -> bool:
        """Where the tunnel begins is not known any more."""
        return False

    def finish(self) -> Sequence[Transaction]:
        """Nothing is open."""
        return ()


def _says(client: bytes, server: bytes) -> Match | Answer:
    if not client:
        return MORE
    return _version5(client, server) if client[0] == 5 else _version4(client, server) if client[0] == 4 else NO


def _request_end(client: bytes) -> int:
    """Return where the client's request ends; 0 while it is not all there."""
    if client[0] == 4:
        end = client.find(0, 8)
        return (client.find(0, end + 1) if end >= 0 and _is_named(client) else end) + 1
    at = 2 + client[1] if len(client) > 1 else 3
    request = _connection(client, _password(client, at) or at)
    return request[3] if request else 0


def _is_named(client: bytes) -> bool:
    """Return whether a request of version 4 has a name behind the user (4a)."""
    return not any(client[4:7]) and client[7] > 0


def _version4(client: bytes, server: bytes) -> Match | Answer:
    """VN CD DSTPORT DSTIP USERID NUL [name NUL]; reply: 0 CD DSTPORT DSTIP."""
    if len(client) < 9:
        return NO if client[1:2] not in (b"", b"\1", b"\2") else MORE
    named = _is_named(client)
    end = client.find(0, 8, 264)
    if end >= 0 and named:
        name = end + 1
        end = client.find(0, name, name + 256)
    if client[1] not in (1, 2):
        return NO
    if end < 0:
        return MORE if len(client) < 520 else NO
    if client[2:4] == b"\0\0" or (client[4] in (0, 255) and not named) or client[4] >= 224:
        return NO
    host = cut(client, name, end) if named else str(ip_address(client[4:8]))
    facts: dict[str, Any] = {"version": 4, "command": _COMMANDS[client[1]], "host": text(host), "port": u16(client, 2)}
    if user := cut(client, 8, client.index(0, 8)):
        facts["user"] = text(user)
    answered: Evidence = WEAK
    if server[:1] not in (b"", b"\0") or (len(server) > 1 and not 0x5A <= server[1] <= 0x5D):
        answered = NO
    elif len(server) >= 8:
        answered = HINT
    plain = not cut(client, 8, end).replace(b"\0", b"").translate(None, _PRINTABLE)
    if not plain and len(client) > end + _LONGEST_BEFORE:
        return NO
    proof: Evidence = (facts if named or client[8] else HINT) if plain else LEANING
    if answered is not HINT:
        return either_first("socks", proof, answered)
    if server[1] != 0x5A:
        return Match("socks", facts)
    if client[1] == 1:
        return Match("socks", facts, restart=(end + 1, 8), decisive=True)
    return _bound(facts, end + 1, 16 if len(server) >= 16 else 0, len(server) > 9 and server[9] != 0x5A)


def _version5(client: bytes, server: bytes) -> Match | Answer:
    """Methods and their choice, perhaps user and password (RFC 1929), request and reply."""
    at = 2 + client[1] if len(client) > 1 else 3
    methods = cut(client, 2, at)
    facts: dict[str, Any] = {"version": 5}
    if at == 2:
        return NO
    signed_in = _password(client, at)
    request = _connection(client, signed_in or at)
    # methods that nobody has, or twice, are passed over by servers: they count for nothing without a request
    plain = len(set(methods)) == len(methods) and not methods.translate(None, _METHODS)
    asked: Evidence = facts if request else MORE if len(client) < at else LEANING if plain else MORE
    if not (plain or request) and len(client) > at + _LONGEST_BEFORE:
        return NO
    if len(server) < 2:
        answered: Evidence = WEAK if server[:1] in (b"", b"\5") else NO
    else:
        answered = HINT if server[0] == 5 and (server[1] in methods or server[1] == 0xFF) else NO
    answer = either_first("socks", asked, answered)
    if answered is not HINT or not isinstance(answer, Match):
        return answer
    reply_at = 2
    if server[1] == 2:
        if not signed_in or len(server) < 4:
            return Match("socks", facts, confirmed=False, done=False)
        facts["user"] = text(client[at + 2 : at + 2 + client[at + 1]])
        reply_at = 4
    elif server[1] != 0:
        return Match("socks", facts)
    request = _connection(client, signed_in if server[1] == 2 else at)
    if request is None:
        return Match("socks", facts, confirmed=False, done=False)
    facts |= {"command": _COMMANDS[request[0]], "host": request[1], "port": request[2]}
    reply = _address(server, reply_at)
    if reply is None:
        return Match("socks", facts, confirmed=False, done=False)
    if server[reply_at + 1] != 0 or request[0] == 3:
        return Match("socks", facts)
    if request[0] == 1:
        return Match("socks", facts, restart=(request[3], reply[2]), decisive=True)
    second = _address(server, reply[2])
    return _bound(facts, request[3], second[2] if second else 0, second is not None and server[reply[2] + 1] != 0)


def _bound(facts: dict[str, Any], client_at: int, server_at: int, refused: bool) -> Match:
    """BIND has a second reply when a peer has connected (RFC 1928 section 6); ``server_at`` is its end, 0 before."""
    restart = (client_at, server_at) if server_at and not refused else None
    granted = restart is not None
    return Match("socks", facts, done=refused or granted, restart=restart, decisive=granted)


def _password(data: bytes, at: int) -> int:
    """Return where the user name and password at ``at`` end; 0 when they are not there."""
    if len(data) < at + 2 or data[at] != 1 or len(data) < at + 3 + data[at + 1]:
        return 0
    end = at + 3 + data[at + 1] + data[at + 2 + data[at + 1]]
    return end if len(data) >= end else 0


def _connection(data: bytes, at: int) -> tuple[int, str, int, int] | None:
    """Command, host, port and end of the request at ``at``."""
    address = _address(data, at, reserved=data[at + 2] if len(data) > at + 2 else 0)
    if address is None or data[at + 1] not in _COMMANDS:
        return None
    return data[at + 1], *address


def _address(data: bytes, at: int, reserved: int = 0) -> tuple[str, int, int] | None:
    """Host, port and end of the request or reply at ``at``; None when it is not there or is none."""
    if len(data) < at + 7 or data[at] != 5 or data[at + 2] != reserved:
        return None
    kind, start = data[at + 3], at + 4
    size = data[start] if kind == 3 else _SIZES.get(kind, 0)
    start += kind == 3
    end = start + size + 2
    if not size or len(data) < end:
        return None
    raw = data[start : start + size]
    return text(raw) if kind == 3 else str(ip_address(raw)), u16(data, end - 2), end
