"""NetBIOS over TCP and UDP: name service, datagrams, and the opening of a session.

:checked: a first-level encoded name (32 letters A to P) where the service has one: in the question or the answer of the
    name service, as the source of a datagram, as the called name of a session request; up to a quarter of it may be
    damaged. Or a datagram's length and offset of zero
:source: RFC 1002 sections 4.1, 4.2 (names), 4.3 (sessions), 4.4 (datagrams)
:minimum: 46 bytes; over TCP 6, a refusal 5
:facts: service, name
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.netbios_name import LETTERS, encoded_name
from ..parsing.wire import text, u16

api_version = 1
protocols = ("netbios",)
transport = ("udp", "tcp")
tier = "exact"
first_client = None
first_server = None

_ONE_QUESTION: Final = bytes.fromhex("0001000000000000")
#: of a name and of a node's status
_TYPES: Final = (b"\0\x20", b"\0\x21")
_QUERY_ERROR: Final = 0x13
_DATAGRAMS: Final = range(0x10, 0x17)
#: whether a message of the name service is an answer, and the operation
_KIND, _ANSWER = 0xF800, 0x8000
_SESSION_REQUEST: Final = 0x81
_POSITIVE: Final = b"\x82\0\0\0"
_SESSION_ANSWERS: Final = {_POSITIVE: 4, b"\x83\0\0\1": 5, b"\x84\0\0\6": 10}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect NetBIOS."""
    if flow.proto == UDP:
        return by_datagram("netbios", _datagram, flow, client, server, _belong)
    proved = client[:1] != server[:1]  # nobody answers a request with one
    answer = by_stream("netbios", _session, client, server, proved=proved)
    if isinstance(answer, Match) and client and client[0] == _SESSION_REQUEST and server.startswith(_POSITIVE):
        return _opened(answer, client)
    return answer


def _belong(one: bytes, other: bytes) -> bool:
    """A question and the answer with its number (RFC 1002 section 4.2); datagrams of two nodes."""
    if one[0] in _DATAGRAMS and other[0] in _DATAGRAMS and (encoded_name(one, 14) or encoded_name(other, 14)):
        return one[2:4] != other[2:4] and one[4:8] != other[4:8] and one[14:48] != other[14:48]
    return one[:2] == other[:2] and (u16(one, 2) ^ u16(other, 2)) & _KIND == _ANSWER


def _opened(answer: Match, client: bytes) -> Match:
    """Behind the request and its positive response begins what the session carries."""
    end = 4 + u16(client, 2) if len(client) > 3 else 0
    confirmed = answer.confirmed or isinstance(_session(client), dict)
    if not end or len(client) < end:
        return Match("netbios", answer.facts, confirmed, done=False)
    return Match("netbios", answer.facts, confirmed, restart=(end, len(_POSITIVE)))


def _datagram(data: bytes) -> Evidence:
    if len(data) < 46:
        return NO
    name = encoded_name(data, 12) or _queried(data)
    if name:
        return {"service": "ns", "name": _decoded(name)}
    if not 0x10 <= data[0] <= 0x16 or data[0] == _QUERY_ERROR:
        return NO
    direct = data[0] <= 0x12
    name = encoded_name(data, 14 if direct else 10)
    if name:  # whatever the flags: old senders set those that are reserved
        return {"service": "dgm", "name": _decoded(name)}
    if data[1] & 0xF0:
        return NO
    whole = direct and u16(data, 10) == len(data) - 14 and not u16(data, 12)
    return {"service": "dgm"} if whole else NO


def _queried(data: bytes) -> bytes:
    """Return the name that a plain query is for, behind a damaged length: its type is one of NetBIOS."""
    name = data[13:45]
    fits = data[4:12] == _ONE_QUESTION and data[-4:-2] in _TYPES
    return name if fits and not name.translate(None, LETTERS) else b""


def _session(data: bytes) -> Evidence:
    if data[0] == _SESSION_REQUEST:
        if (len(data) > 4 and data[4] != 0x20) or (len(data) > 1 and data[1] & 0xFE):
            return NO
        if len(data) < 38:
            return MORE
        name = encoded_name(data, 4)
        return {"service": "ssn", "name": _decoded(name)} if name and u16(data, 2) >= 68 else NO
    need = _SESSION_ANSWERS.get(data[:4])
    if need is None:
        return MORE if len(data) < 4 and any(start.startswith(data) for start in _SESSION_ANSWERS) else NO
    if len(data) < need:
        return MORE
    if data[0] == 0x82:  # alone it is any protocol's kind and length; messages come behind it
        return MORE if len(data) == need else NO if data[need] else {"service": "ssn"}
    if data[0] == 0x83 and not (0x80 <= data[4] <= 0x83 or data[4] == 0x8F):
        return NO
    return {"service": "ssn"}


def _decoded(name: bytes) -> str:
    """Return the name without its padding and its sixteenth byte, the kind of name."""
    data = bytes((high - 65 & 15) << 4 | low - 65 & 15 for high, low in zip(name[::2], name[1::2], strict=True))
    return text(data[:15].rstrip(b" \0"))
