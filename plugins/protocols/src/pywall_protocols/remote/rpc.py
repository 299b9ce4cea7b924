"""ONC Remote Procedure Call, over UDP and TCP: the port mapper, NFS, mount and all others.

:checked: a call's RPC version 2, program number, and credentials of a known flavour and length, over TCP also the
    record mark; a reply (status and verifier) confirms it, and is not enough by itself
:source: RFC 5531 sections 8.2, 9, 11
:minimum: 40 bytes, over TCP 44
:facts: program, version, procedure
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence
from ..parsing.wire import first_datagram, u32
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("rpc",)
transport = ("udp", "tcp")
tier = "structural"
first_client = None
first_server = None

_CALL: Final = 0
_REPLY: Final = 1
_VERSION: Final = 2
_PROGRAMS: Final = range(100000, 0x60000000)
#: AUTH_NONE, SYS, SHORT, DH, KERB, RSA, GSS, TLS, and the old GSS flavours
_FLAVOURS: Final = frozenset((*range(8), 300001, *range(390000, 390020)))
_MAX_AUTH: Final = 400
_MAX_FRAGMENT: Final = 1 << 24
#: records of each side that are looked at where both call
_MOST_RECORDS: Final = 16


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ONC RPC."""
    if flow.proto == UDP:
        client_says = _message(first_datagram(client, flow.client_sizes)) if client else MORE
        server_says = _message(first_datagram(server, flow.server_sizes)) if server else MORE
    else:
        client_says = _record(client)
        server_says = _record(server)
    for says, other in ((client_says, server_says), (server_says, client_says)):
        if isinstance(says, dict) and says:
            confirmed = other == {} or (other is not NO and flow.proto != UDP and _is_answered(client, server))
            return Match("rpc", says, confirmed, done=confirmed or other is NO)
    return NO if client_says is NO or server_says is NO else MORE


pywall_transactions = watch_for_tls


def _is_answered(client: bytes, server: bytes) -> bool:
    """Return True if a call of either side is answered by the other one, where both call: one of the first records."""
    (called, answers), (called_back, answers_back) = map(_numbers, (client, server))
    return bool(called & answers_back - answers or called_back & answers - answers_back)


def _numbers(data: bytes) -> tuple[set[bytes], set[bytes]]:
    """Return the numbers of the calls and of the replies among the first records of a stream."""
    calls: set[bytes] = set()
    replies: set[bytes] = set()
    for _ in range(_MOST_RECORDS):
        record = _record(data)
        if not isinstance(record, dict):
            break
        (calls if record else replies).add(data[4:8])
        data = data[4 + (u32(data, 0) & 0x7FFFFFFF) :]
    return calls, replies


def _record(data: bytes) -> Evidence:
    """Return the first record of a stream."""
    if len(data) < 12:
        return MORE if len(data) < 4 or u32(data, 0) & 0x7FFFFFFF <= _MAX_FRAGMENT else NO
    length = u32(data, 0) & 0x7FFFFFFF
    if not 24 <= length <= _MAX_FRAGMENT or length % 4 or u32(data, 8) > 1:
        return NO
    if len(data) < 4 + min(length, 40):
        return MORE
    return _message(data[4 : 4 + length], length)


def _message(data: bytes, length: int = 0) -> Evidence:
    """Return facts of a call, ``{}`` for a reply; ``length`` is the record's where the end may be missing."""
    size = length or len(data)
    if len(data) < 24 or size % 4:
        return NO
    kind = u32(data, 4)
    if kind == _CALL:
        if len(data) < 40 or u32(data, 8) != _VERSION or u32(data, 12) not in _PROGRAMS:
            return NO
        if not _is_auth(data, 24, size - 8):
            return NO
        return {"program": u32(data, 12), "version": u32(data, 16), "procedure": u32(data, 20)}
    if kind != _REPLY:
        return NO
    if u32(data, 8) == 1:  # denied: wrong RPC version with the lowest and highest known, or authentication failed
        holds = (u32(data, 12) == 1 and size == 20) or (u32(data, 12) == 0 and size == 24)
        return {} if holds else NO
    if u32(data, 8) != 0 or not _is_auth(data, 12, size - 4):
        return NO
    status = 20 + u32(data, 16)
    return {} if len(data) < status + 4 or u32(data, status) <= 5 else NO


def _is_auth(data: bytes, at: int, end: int) -> bool:
    """A flavour and a length at ``at`` that leaves room before ``end``."""
    length = u32(data, at + 4)
    return u32(data, at) in _FLAVOURS and length <= _MAX_AUTH and length % 4 == 0 and at + 8 + length <= end
