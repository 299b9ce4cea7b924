"""PostgreSQL, by the start-up packet or a request for TLS, and the server's authentication message.

:checked: client: length and protocol 3.x with the parameter ``user``, or the codes of an SSL, GSSENC or cancel
    request; server: an authentication or error message of fitting length
:source: PostgreSQL documentation, Frontend/Backend Protocol: Message Flow, Message Formats
    Mid-stream: a query that ends where its length says, and messages of the server up to ReadyForQuery
:minimum: 8 bytes
:facts: user, database, application_name
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Evidence, client_first
from ..parsing.wire import cut, text, u32

api_version = 1
protocols = ("pgsql",)
transport = "tcp"
tier = "exact"
#: types of messages of either side once the connection is open
_BY_CLIENT: Final = b"QPBEDCSHXFfdcp"
_BY_SERVER: Final = b"RKSZTDC123nEsNAIGHWdcVtv"
first_client = b"\0" + _BY_CLIENT
first_server = _BY_SERVER

#: bytes of a start-up packet (MAX_STARTUP_PACKET_LENGTH)
_LONGEST: Final = 10000
#: bytes of a message later on, and messages in which to look for the end of an answer
_LONGEST_MESSAGE: Final = 1 << 24
_MOST_MESSAGES: Final = 256
_QUERY, _READY = b"QZ"
_BINARY: Final = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
_CANCEL: Final = 80877102
_SSL: Final = 80877103
_GSSENC: Final = 80877104
_PARAMETERS: Final = (b"user", b"database", b"application_name")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect PostgreSQL; hand over to TLS behind the server's ``S``."""
    answer = client_first("pgsql", _client(client), _server(server))
    if answer is NO and flow.midstream:
        return client_first("pgsql", _asks(client), _tells(server), proved=_is_ready(server))
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


def _asks(data: bytes) -> Evidence:
    """Grade what a client says later: a query or the parse of one, of which the text and its NUL are all there."""
    if not data:
        return MORE
    if data[0] not in _BY_CLIENT:
        return NO
    if len(data) < 6:
        return MORE
    size = u32(data, 1)
    if not 4 <= size <= _LONGEST_MESSAGE:
        return NO
    if data[0] not in b"QP":
        return HINT
    message = cut(data, 5, 1 + size)
    if _BINARY.search(message if data[0] == _QUERY else b" ".join(message.split(b"\0", 2)[:2])):
        return NO
    if len(message) < size - 4:
        return MORE if len(data) < _LONGEST else HINT
    return (
        (YES if size > 5 else HINT) if message.endswith(b"\0") and (data[0] != _QUERY or message.count(0) == 1) else NO
    )


def _tells(data: bytes) -> Evidence:
    """Grade what a server says later."""
    if not data:
        return MORE
    if data[0] not in _BY_SERVER:
        return NO
    if len(data) < 5:
        return MORE
    return HINT if 4 <= u32(data, 1) <= _LONGEST_MESSAGE else NO


def _is_ready(data: bytes) -> bool:
    """Return True if a server's messages, one behind the other, lead to ReadyForQuery."""
    at = 0
    for _ in range(_MOST_MESSAGES):
        if at + 5 > len(data) or data[at] not in _BY_SERVER:
            return False
        size = u32(data, at + 1)
        if data[at] == _READY:
            return size == 5 and data[at + 5 : at + 6] in (b"I", b"T", b"E")
        if not 4 <= size <= _LONGEST_MESSAGE:
            return False
        at += 1 + size
    return False


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
