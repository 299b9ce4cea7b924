"""Lightweight Directory Access Protocol, over TCP and UDP (CLDAP).

:checked: a message of nested BER lengths, an identifier and an operation whose first fields are of its own kind
:source: RFC 4511 sections 4.1 to 4.14 (StartTLS: 4.14), RFC 1798 (CLDAP)
:minimum: 12 bytes
:facts: request.operation, request.message_id, request.bind_request.name, request.search_request.base_object,
    request.del_request.dn, request.modify_request.entry, request.add_request.entry, request.mod_dn_request.entry,
    request.compare_request.entry, response.operation, response.result_code
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, TCP, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.evidence import HINT, Description, Evidence, client_first
from ..parsing.wire import cut, text, tlv
from ..transactions.ldap import OPERATIONS, START_TLS, LdapTransactions

api_version = 1
protocols = ("ldap",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"0"
first_server = b"0"

#: first messages of a side that may say nothing
_MOST_UNTELLING: Final = 8
#: first messages of a side that must be of one
_MOST_COMPARED: Final = 4
#: bytes of a first name that are waited for
_LONGEST_NAME: Final = 4096
_RESULTS: Final = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78})
#: entries and references of a search, intermediate responses
_PARTS: Final = frozenset({0x64, 0x73, 0x79})
#: operations that begin with a name, and the tag behind it
_NAMED: Final = {0x63: 0x0A, 0x64: 0x30, 0x66: 0x30, 0x68: 0x30, 0x6C: 0x04, 0x6E: 0x30}
#: tag of the operation, start and end of its contents, end of the message, its identifier
_Message = tuple[int, int, int, int, bytes]


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect LDAP; hand over to TLS behind StartTLS."""
    describe = _describe if flow.proto == TCP else _describe_datagrams
    proved = not server or _asks(client).isdisjoint(_asks(server))
    return client_first("ldap", _side(client), _side(server), describe, client, server, proved=proved)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow every operation, and StartTLS whenever it comes."""
    return LdapTransactions()


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    restart = _start_tls(client, server)
    first = _message(client, 0)
    done = first is not None and first[3] <= len(client)
    if first and done:
        facts["request.operation"] = OPERATIONS.get(first[0], "unknown")
        version = tlv(client, first[1], first[2]) if first[0] == 0x60 else None
        name = tlv(client, version[2], first[2]) if version is not None else None
        if name and name[0] == 4:
            facts["request.bind_request.name"] = text(cut(client, name[1], name[2]))
        if first[0] == 0x77:
            done = b"1466.20037" not in cut(client, first[1], first[2])
    return Description(facts, done, restart)


def _describe_datagrams(client: bytes, server: bytes) -> Description:
    """Return the same of datagrams, in which TLS does not begin."""
    described = _describe(client, server)
    return Description(described.facts, described.done)


def _message(data: bytes, at: int) -> _Message | None:
    """Return the message at ``at``, None when its beginning is not there or is none."""
    outer = tlv(data, at)
    if outer is None or outer[0] != 0x30:
        return None
    number = tlv(data, outer[1], outer[2])
    if number is None or number[0] != 2 or not 1 <= number[2] - number[1] <= 4:
        return None
    operation = tlv(data, number[2])
    if operation is None or operation[2] > outer[2]:
        return None
    return operation[0], operation[1], operation[2], outer[2], cut(data, number[1], number[2])


def _asks(data: bytes) -> frozenset[bool]:
    """Return whether the first messages of a side ask (True) or tell: no side does both (RFC 4511 section 4)."""
    found: set[bool] = set()
    at = 0
    for _ in range(_MOST_COMPARED):
        message = _message(data, at)
        if message is None:
            break
        if message[0] in OPERATIONS:
            found.add(True)
        elif message[0] in _RESULTS or message[0] in _PARTS:
            found.add(False)
        at = message[3]
    return frozenset(found)


def _side(data: bytes) -> Evidence:
    """Grade a direction by its first message that only LDAP has; servers pass over what they do not know."""
    said: Evidence = MORE
    at = 0
    for _ in range(_MOST_UNTELLING):
        if at >= len(data):
            break
        rest = data[at:] if at else data
        says = _grade(rest)
        message = _message(rest, 0) if says is HINT or says is NO else None
        if message is None or not 0x40 <= message[0] < 0x80 or message[2] > message[3]:
            return HINT if says is NO and said is HINT and rest[:1] == b"0" else says
        said = HINT if says is HINT else said
        at += message[3]
    return said


def _grade(data: bytes) -> Evidence:
    """Grade one message."""
    if data[:1] != b"0":
        return NO
    if len(data) < 7:
        return MORE
    message = _message(data, 0)
    if message is None:
        return MORE if len(data) < 40 and (len(data) < 2 or data[1] < 0x89) and _header_cut(data) else NO
    kind, start, end, _, _ = message
    if kind == 0x42:
        return YES if start == end and end - 2 == 5 else HINT if start == end else NO
    if kind == 0x4A and len(data) >= end and _is_dn(cut(data, start, end)):
        return YES
    if kind in (0x50, 0x4A):
        return HINT if end - start <= 512 else NO
    if kind not in OPERATIONS and kind not in _RESULTS and kind not in _NAMED and kind != 0x73:
        return NO
    if len(data) < min(start + 3, end):
        return MORE
    if (kind == 0x60 or kind in _RESULTS) and end < start + 3:
        return NO
    if kind in (0x60, 0x77) or kind in _RESULTS:
        return _first_field(data, kind, start, end)
    if kind == 0x73:
        return HINT if data[start : start + 1] == b"\4" else NO
    name = tlv(data, start, end)
    if name is None or name[0] != 4:
        return NO if len(data) >= start + 6 or data[start : start + 1] != b"\4" else MORE
    if len(data) <= name[2]:
        return MORE if name[2] - start < _LONGEST_NAME else NO
    return YES if data[name[2]] == _NAMED[kind] else NO


def _first_field(data: bytes, kind: int, start: int, end: int) -> Evidence:
    """Grade the version of a bind, the code of a result or the name of an extended request; lengths may be long."""
    field = tlv(data, start, end)
    if field is None or len(data) <= field[1]:
        return MORE if len(data) < min(end, start + 10) else NO
    size, first = field[2] - field[1], data[field[1]]
    if kind == 0x77:
        return YES if field[0] == 0x80 and 0x30 <= first <= 0x39 else NO
    if kind == 0x60:
        return YES if field[0] == 2 and size == 1 and 1 <= first <= 3 else NO
    return YES if field[0] == 0x0A and size == 1 and first < 0x80 else NO


def _is_dn(name: bytes) -> bool:
    """Return whether the bytes are the name of an entry (RFC 4514)."""
    return b"=" in name and name.isascii() and name.decode().isprintable()


def _header_cut(data: bytes) -> bool:
    """The headers of message, identifier and operation may go on behind ``data``."""
    outer = tlv(data, 0)
    if outer is None:
        return len(data) < 10
    number = tlv(data, outer[1], outer[2])
    if number is None:
        return data[outer[1] : outer[1] + 1] in (b"", b"\2") and len(data) < outer[1] + 10
    return number[0] == 2 and 1 <= number[2] - number[1] <= 4 and len(data) < number[2] + 10


def _start_tls(client: bytes, server: bytes) -> tuple[int, int] | None:
    """Return the offsets behind the StartTLS request and behind its successful response."""
    at = 0
    for _ in range(16):
        asked = _message(client, at)
        if asked is None or asked[3] > len(client):
            return None
        at = asked[3]
        if asked[0] == 0x77 and START_TLS in cut(client, asked[1], asked[2]):
            break
    else:
        return None
    end = 0
    for _ in range(16):
        reply = _message(server, end)
        if reply is None or reply[3] > len(server):
            return None
        end = reply[3]
        if reply[0] == 0x78 and reply[4] == asked[4]:
            return (at, end) if server[reply[1] : reply[1] + 3] == b"\x0a\x01\0" else None
    return None
