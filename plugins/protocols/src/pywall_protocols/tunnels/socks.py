"""SOCKS 4, 4a and 5, and where the tunnel begins.

:checked: version 5: methods, the server's choice among them, the request; version 4: command, address, user and, 4a,
    name; the server's reply
:source: RFC 1928, RFC 1929, SOCKS: A protocol for TCP proxy across firewalls (Koblas), SOCKS 4A (Lee)
:minimum: 2 bytes of each side, or 10 of the client
:facts: version, command, host, port, user
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, LEANING, WEAK, Evidence, either_first
from ..parsing.wire import cut, text, u16

api_version = 1
protocols = ("socks",)
transport = "tcp"
tier = "structural"
first_client = b"\x04\x05"
first_server = b"\0\5"

_COMMANDS: Final = {1: "connect", 2: "bind", 3: "udp_associate"}
#: IANA's SOCKS methods, and those for private use that are seen
_METHODS: Final = bytes((*range(10), *range(0x80, 0x90), 0xFE))
_SIZES: Final = {1: 4, 4: 16}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SOCKS; hand over to what a granted connection carries."""
    if not client:
        return MORE
    return _version5(client, server) if client[0] == 5 else _version4(client, server) if client[0] == 4 else NO


def _version4(client: bytes, server: bytes) -> Match | Answer:
    """VN CD DSTPORT DSTIP USERID NUL [name NUL]; reply: 0 CD DSTPORT DSTIP."""
    if len(client) < 9:
        return NO if client[1:2] not in (b"", b"\1", b"\2") else MORE
    named = not any(client[4:7]) and client[7] > 0
    end = client.find(0, 8, 264)
    if end >= 0 and named:
        name = end + 1
        end = client.find(0, name, name + 256)
    if client[1] not in (1, 2) or not all(32 < byte < 127 for byte in cut(client, 8, end if end >= 0 else 264) if byte):
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
    proof: Evidence = facts if named or client[8] else HINT
    if answered is not HINT:
        return either_first("socks", proof, answered)
    if server[1] != 0x5A:
        return Match("socks", facts)
    if client[1] == 1:
        return Match("socks", facts, restart=(end + 1, 8))
    return _bound(facts, end + 1, 16 if len(server) >= 16 else 0, len(server) > 9 and server[9] != 0x5A)


def _version5(client: bytes, server: bytes) -> Match | Answer:
    """Methods and their choice, perhaps user and password (RFC 1929), request and reply."""
    at = 2 + client[1] if len(client) > 1 else 3
    methods = cut(client, 2, at)
    facts: dict[str, Any] = {"version": 5}
    if len(set(methods)) < len(methods) or at == 2 or methods.translate(None, _METHODS):
        return NO
    signed_in = _password(client, at)
    request = _connection(client, signed_in or at)
    asked: Evidence = (facts if request else LEANING) if len(client) >= at else MORE
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
        return Match("socks", facts, restart=(request[3], reply[2]))
    second = _address(server, reply[2])
    return _bound(facts, request[3], second[2] if second else 0, second is not None and server[reply[2] + 1] != 0)


def _bound(facts: dict[str, Any], client_at: int, server_at: int, refused: bool) -> Match:
    """BIND has a second reply when a peer has connected (RFC 1928 section 6); ``server_at`` is its end, 0 before."""
    restart = (client_at, server_at) if server_at and not refused else None
    return Match("socks", facts, done=refused or restart is not None, restart=restart)


def _password(data: bytes, at: int) -> int:
    """Return where the user name and password at ``at`` end; 0 when they are not there."""
    if len(data) < at + 2 or data[at] != 1 or len(data) < at + 3 + data[at + 1]:
        return 0
    end = at + 3 + data[at + 1] + data[at + 2 + data[at + 1]]
    return end if len(data) >= end else 0


def _connection(data: bytes, at: int) -> tuple[int, str, int, int] | None:
    """Command, host, port and end of the request at ``at``."""
    address = _address(data, at)
    if address is None or data[at + 1] not in _COMMANDS:
        return None
    return data[at + 1], *address


def _address(data: bytes, at: int) -> tuple[str, int, int] | None:
    """Host, port and end of the request or reply at ``at``; None when it is not there or is none."""
    if len(data) < at + 7 or data[at] != 5 or data[at + 2] != 0:
        return None
    kind, start = data[at + 3], at + 4
    size = data[start] if kind == 3 else _SIZES.get(kind, 0)
    start += kind == 3
    end = start + size + 2
    if not size or len(data) < end:
        return None
    raw = data[start : start + size]
    return text(raw) if kind == 3 else str(ip_address(raw)), u16(data, end - 2), end
