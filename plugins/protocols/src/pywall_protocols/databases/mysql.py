"""MySQL and MariaDB, by the initial handshake packet and the client's answer to it.

:checked: server: packet 0 of protocol version 10 with a version number, a NUL and the zero filler, or an error
    packet; client: packet 1 with its capabilities and the zero bytes of the handshake response, or an SSL request
:source: MySQL Internals, Client/Server Protocol: HandshakeV10, HandshakeResponse41, SSLRequest, ERR_Packet
:minimum: 26 bytes of the server or 32 of the client
:facts: version, user
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Description, Evidence, server_first
from ..parsing.wire import cut, text

api_version = 1
protocols = ("mysql",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = None

_SSL: Final = 0x0800
_PROTOCOL_41: Final = 0x0200
_VERSION: Final = re.compile(rb"\d{1,3}\.\d{1,3}[ -~]{0,120}\Z")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MySQL; hand over to TLS behind the SSL request."""
    return server_first("mysql", _client(client), _server(server), _describe, client, server, silent=not server)


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    greeting_end = _size(server)
    whole = bool(greeting_end) and len(server) >= greeting_end
    end = server.find(0, 5, greeting_end)
    if whole and server[4] == 10 and end >= 0:
        facts["version"] = text(cut(server, 5, end))
    if _asks_tls(client):
        restart = (36, greeting_end) if whole else None
        return Description(facts, False, restart)
    complete = len(client) >= 4 and len(client) >= _size(client)
    if complete and len(client) > 36 and client[5] & 2:
        facts["user"] = text(cut(client, 36, _size(client)).split(b"\0", 1)[0])
    return Description(facts, done=whole and complete)


def _size(data: bytes) -> int:
    """Return bytes of the first packet with its header; 0 while that is not there."""
    return int.from_bytes(data[:3], "little") + 4 if len(data) > 3 else 0


def _asks_tls(data: bytes) -> bool:
    return len(data) >= 36 and data[:4] == b"\x20\0\0\x01" and bool(data[5] & _SSL >> 8)


def _server(data: bytes) -> Evidence:
    if len(data) < 5:
        return MORE if data[3:4] in (b"", b"\0") and data[2:3] in (b"", b"\0") else NO
    size = _size(data) - 4
    if data[3] != 0 or not 6 <= size < 1024:
        return NO
    if data[4] == 10:
        end = data.find(0, 5, 133)
        if end < 0:
            return MORE if len(data) < 133 and not any(data[5:].translate(None, _PRINTABLE)) else NO
        if not _VERSION.match(cut(data, 5, end)) or end + 14 > size + 4:
            return NO
        if len(data) < end + 14:
            return MORE
        return YES if data[end + 13] == 0 else NO
    if data[4] == 0xFF:
        end = min(size + 4, 16)
        if len(data) < end:
            return MORE
        code = int.from_bytes(data[5:7], "little")
        return YES if 1000 <= code < 5000 and not cut(data, 7, end).translate(None, _PRINTABLE) else NO
    return NO


_PRINTABLE: Final = bytes(range(32, 127))


def _client(data: bytes) -> Evidence:
    if len(data) < 4:
        return MORE if data[2:3] in (b"", b"\0") else NO
    size = _size(data) - 4
    if data[3] != 1 or not 9 <= size < 8192:
        return NO
    if len(data) < 9:
        return MORE
    if data[5] & _PROTOCOL_41 >> 8:
        if size < 32:
            return NO
        if len(data) < 36:
            return MORE if not any(data[13:32]) else NO
        return YES if not any(data[13:32]) else NO
    return HINT
