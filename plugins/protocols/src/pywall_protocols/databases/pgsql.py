"""PostgreSQL, by the start-up packet or a request for TLS, and the server's authentication message.

:checked: client: length and protocol 3.x with the parameter ``user``, or the codes of an SSL, GSSENC or cancel
    request; server: an authentication or error message of fitting length
:source: PostgreSQL documentation, Frontend/Backend Protocol: Message Flow, Message Formats
:minimum: 8 bytes
:facts: user, database, application_name
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Evidence, client_first
from ..parsing.wire import cut, text, u32

api_version = 1
protocols = ("pgsql",)
transport = "tcp"
tier = "exact"
first_client = b"\0"
first_server = b"RENSG"

#: bytes of a start-up packet (MAX_STARTUP_PACKET_LENGTH)
_LONGEST: Final = 10000
_CANCEL: Final = 80877102
_SSL: Final = 80877103
_GSSENC: Final = 80877104
_PARAMETERS: Final = (b"user", b"database", b"application_name")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect PostgreSQL; hand over to TLS behind the server's ``S``."""
    answer = client_first("pgsql", _client(client), _server(server))
    if not isinstance(answer, Match):
        return answer
    at = answered = 0
    while len(client) >= at + 8 and u32(client, at + 4) in (_SSL, _GSSENC):
        if len(server) <= answered:
            return Match("pgsql", {}, confirmed=False, done=False)
        if server[answered] in b"SG":
            tls = server[answered] == ord("S")  # one letter proves nothing: what is behind it must be TLS
            return Match("pgsql", {}, False, True, (at + 8, answered + 1) if tls else None)
        at += 8
        answered += 1
    if len(client) < at + 8:
        return Match("pgsql", {}, confirmed=False, done=False)
    confirmed = _server(server[answered:]) is YES
    size = u32(client, at)
    if size > _LONGEST:
        return Match("pgsql", {}, confirmed=False)
    if len(client) < at + size:
        return Match("pgsql", {}, confirmed, done=False)
    settled = confirmed or len(server) > answered + 9
    return Match("pgsql", _parameters(cut(client, at + 8, at + size)), confirmed, settled)


def _parameters(data: bytes) -> dict[str, Any]:
    fields = data[:4096].split(b"\0")
    return {
        name.decode(): text(value)
        for name, value in zip(fields[::2], fields[1::2], strict=False)
        if name in _PARAMETERS
    }


def _client(data: bytes) -> Evidence:
    if len(data) < 8:
        return MORE if not any(data[:2]) else NO
    size, code = u32(data, 0), u32(data, 4)
    if code in (_SSL, _GSSENC):
        return YES if size == 8 else NO
    if code == _CANCEL:
        return YES if 12 <= size <= 268 else NO
    if code >> 16 == 3 and code & 0xFFFF < 10 and 9 <= size <= _LONGEST:
        name = cut(data, 8, data.find(0, 8, 72)) if data.find(0, 8, 72) > 0 else data[8:]
        if not all(byte in _NAME for byte in name):
            return NO
        if name == b"" and len(data) > 8 and size > 9:  # a first parameter without a name: another protocol's zeros
            return NO
        return YES if 0 in data[8:72] else MORE
    if code == 0x20000:
        return YES if size in (296, 292) else NO
    return NO


_NAME: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.0123456789"


def _server(data: bytes) -> Evidence:
    if not data:
        return MORE
    kind = data[:1]
    if kind in b"NSG" or kind not in b"RE":
        return HINT if kind in b"NSG" else NO
    if len(data) < 9:
        return MORE
    size = u32(data, 1)
    if kind == b"R":
        return YES if 8 <= size <= 4096 and u32(data, 5) <= 13 else NO
    if 12 <= size <= 30000 and data[5:6] in b"SVCM" and data[6:9].isalnum():
        return YES
    return HINT if data[1:9].isascii() else NO
