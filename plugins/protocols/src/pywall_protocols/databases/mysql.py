"""MySQL and MariaDB, by the initial handshake packet and the client's answer to it.

:checked: server: packet 0 of protocol version 10 with a version number, a NUL and the zero filler, or an error
    packet; client: packet 1 with its capabilities and the zero bytes of the handshake response, or an SSL request; in
    an open connection a command with its first word, and an answer's packet 1
:source: MySQL Internals, Client/Server Protocol: HandshakeV10, HandshakeResponse41, SSLRequest, ERR_Packet, COM_QUERY,
    OK_Packet
:minimum: 26 bytes of the server or 32 of the client
:facts: version, user
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, WEAK, Description, Evidence, client_first, server_first
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
#: commands of an open connection: those with SQL (query, prepare), execute, ping
_WITH_SQL: Final = (0x03, 0x16)
_EXECUTE, _PING = 0x17, 0x0E
_SHORTEST_EXECUTE: Final = 10
_SQL: Final = re.compile(
    rb"[\s(]{0,16}(?:/\*|(?:SELECT|SET|INSERT|UPDATE|DELETE|SHOW|COMMIT|BEGIN|START|ROLLBACK|CALL|REPLACE|WITH|USE|CREATE"
    rb"|ALTER|DROP|EXPLAIN|DESCRIBE|LOCK|UNLOCK|TRUNCATE|LOAD)\b)",
    re.IGNORECASE,
)
_LONGEST_WORD: Final = 32
_MOST_COLUMNS: Final = 250
_SHORTEST_OK: Final = 7
_VERSION: Final = re.compile(rb"\d{1,3}\.\d{1,3}[ -~]{0,120}\Z")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MySQL; hand over to TLS behind the SSL request."""
    answer = server_first("mysql", _client(client), _server(server), _describe, client, server, silent=not server)
    if answer is NO and flow.midstream:
        return client_first("mysql", _command(client), _result(server))
    return answer


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    greeting_end = _size(server)
    whole = bool(greeting_end) and len(server) >= greeting_end
    end = server.find(0, 5, greeting_end)
    if whole and server[4] == 10 and end >= 0:
        facts["version"] = text(cut(server, 5, end))
    if _asks_tls(client):
        restart = (_size(client), greeting_end) if whole else None
        return Description(facts, False, restart)
    complete = len(client) >= 4 and len(client) >= _size(client)
    if complete and len(client) > 36 and client[5] & 2:
        facts["user"] = text(cut(client, 36, _size(client)).split(b"\0", 1)[0])
    return Description(facts, done=whole and complete)


def _size(data: bytes) -> int:
    """Return bytes of the first packet with its header; 0 while that is not there."""
    return int.from_bytes(data[:3], "little") + 4 if len(data) > 3 else 0


def _asks_tls(data: bytes) -> bool:
    """Return whether the client's first packet, which is whole, asks for TLS: servers pass over what is behind its 32
    bytes.
    """
    size = _size(data)
    return 36 <= size <= len(data) and data[3] == 1 and bool(data[5] & _SSL >> 8)


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


def _command(data: bytes) -> Evidence:
    """Grade the first command that was seen of an open connection: packet 0, and of those with SQL its first word."""
    if len(data) < 5:
        return MORE if data[3:4] in (b"", b"\0") else NO
    size = _size(data) - 4
    if data[3] or not size:
        return NO
    if data[4] == _PING:
        return HINT if size == 1 else NO
    if data[4] == _EXECUTE:
        return HINT if size >= _SHORTEST_EXECUTE and (len(data) < 14 or data[10:14] == b"\1\0\0\0") else NO
    if data[4] not in _WITH_SQL:
        return NO
    if _SQL.match(data, 5, 4 + size):
        return YES
    return MORE if len(data) < min(4 + size, _LONGEST_WORD) and data[5:].isascii() else NO


def _result(data: bytes) -> Evidence:
    """Grade the first answer that was seen: packet 1 with OK, an error, or a number of columns and packet 2."""
    if len(data) < 5:
        return WEAK if data[3:4] in (b"", b"\1") else NO
    size = _size(data) - 4
    if data[3] != 1 or not size:
        return NO
    if size == 1:
        return NO if not 1 <= data[4] <= _MOST_COLUMNS else WEAK if len(data) < 9 else HINT if data[8] == 2 else NO
    if data[4] == 0xFF:
        return _server(data[:3] + b"\0" + data[4:]) if len(data) >= 16 else WEAK
    return HINT if data[4] == 0 and size >= _SHORTEST_OK else NO


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
