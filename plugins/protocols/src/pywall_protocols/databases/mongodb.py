"""MongoDB, by the message header and the body of the first message.

:checked: little-endian length, response id and operation code; flags and first BSON document of OP_MSG, collection of
    OP_QUERY and the older operations, original code of OP_COMPRESSED
:source: MongoDB Wire Protocol: Standard Message Header, OP_MSG, OP_QUERY, OP_REPLY, OP_COMPRESSED; bsonspec.org 1.1
:minimum: 25 bytes
:facts: command
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import HINT, Description, Evidence, client_first
from ..parsing.wire import cut, text

api_version = 1
protocols = ("mongodb",)
transport = "tcp"
tier = "exact"
first_client = None
first_server = None

_HEADER: Final = Struct("<4I").unpack_from
_U32: Final = Struct("<I").unpack_from
_OLD: Final = frozenset({2001, 2002, 2005, 2006, 2007})
_OPERATIONS: Final = frozenset({1, 2004, 2010, 2011, 2012, 2013}) | _OLD
#: what a request has for the number of the message it answers
_NO_ANSWER: Final = frozenset({0, 0xFFFFFFFF})
_LONGEST: Final = 48_000_000


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MongoDB."""
    proved = belonging(client, server, 16, _size, _holds, _belong)
    return client_first("mongodb", _side(client, True), _side(server, False), _describe, client, server, proved=proved)


def _holds(data: bytes) -> Evidence:
    return {} if _side(data, False) in (YES, HINT) else NO


def _size(data: bytes) -> int:
    return int(_HEADER(data)[0])


def _belong(one: bytes, other: bytes) -> bool:
    """The answer names the request."""
    return bool(_HEADER(one)[1] == _HEADER(other)[2] != _HEADER(one)[2])


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    done = len(client) >= 64 or not client
    if len(client) >= 64:
        facts = _command(client)
    return Description(facts, done=done)


def _side(data: bytes, to_server: bool) -> Evidence:
    if len(data) < 16:
        if len(data) > 3 and not (16 <= _U32(data)[0] <= _LONGEST):
            return NO
        return MORE if data[14:16] in (b"", b"\0", b"\0\0") and data[3:4] in (b"", b"\0", b"\1", b"\2") else NO
    size, _, answered, operation = _HEADER(data)
    if operation not in _OPERATIONS or not 16 <= size <= _LONGEST or (to_server and answered not in _NO_ANSWER):
        return NO
    if len(data) < 25:
        return MORE
    if operation == 2013:
        return YES if _U32(data, 16)[0] & ~0x10003 == 0 and data[20] <= 1 and _U32(data, 21)[0] <= size - 20 else NO
    if operation == 2012:
        return YES if _U32(data, 16)[0] in _OPERATIONS and data[24] <= 3 else NO
    if operation == 1:
        return HINT if not to_server and _U32(data, 16)[0] < 16 else NO
    if operation == 2004 or operation in _OLD:
        end = data.find(0, 20, 160)
        if end < 0:
            return MORE if len(data) < 160 else NO
        return (
            YES
            if b"." in cut(data, 20, end) and cut(data, 20, end).isascii() and cut(data, 20, end).decode().isprintable()
            else NO
        )
    return HINT


def _command(data: bytes) -> dict[str, Any]:
    """Return the name of the first BSON element, which is the command's."""
    operation = _HEADER(data)[3]
    at = 26 if operation == 2013 else data.find(0, 20) + 14 if operation == 2004 else 0
    name = cut(data, at, data.find(0, at, at + 64)) if at else b""
    return {"command": text(name)} if name.isalnum() else {}
