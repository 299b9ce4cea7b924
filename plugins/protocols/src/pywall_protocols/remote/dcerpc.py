"""DCE/RPC, connection-oriented (version 5) and over datagrams (version 4).

:checked: version, packet type, data representation, fragment length (datagrams: body length) and authentication
    length
:source: DCE 1.1: Remote Procedure Call (C706) sections 12.5 and 12.6, MS-RPCE 2.2.2
:minimum: 16 bytes, datagrams 80
:facts: interface
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Description, Evidence, belonging, client_first
from ..parsing.wire import first_datagram

api_version = 1
protocols = ("dcerpc",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\x04\x05"
first_server = b"\x04\x05"

#: packet types of the client and of the server, with the shortest fragment of each
_CLIENT: Final = {0: 24, 11: 28, 14: 28, 16: 20, 18: 16, 19: 16, 20: 16, 17: 16}
#: of the client's types those that are answered, with the types that answer them
_BINDS, _BOUND, _LAST_RESULT = (11, 14), (12, 15), 3
_REPLIES: Final = {0: (2, 3), 11: (12, 13), 14: (15, 3)}
#: over UDP: requests, pings, and what a server says to them
_ASKS, _ANSWERS = (0, 1), (2, 3, 4, 5, 6)
_SERVER: Final = {2: 24, 3: 24, 12: 24, 13: 18, 15: 24, 17: 16, 20: 16}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DCE/RPC."""
    if flow.proto == UDP:
        asked, reply = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
        answers = _belongs_to(asked, reply)
        return client_first("dcerpc", _datagram(asked), _datagram(reply), proved=answers)
    proved = belonging(client, server, 16, _size, _belong)
    return client_first(
        "dcerpc", _side(client, _CLIENT), _side(server, _SERVER), _describe, client, server, proved=proved
    )


def _belongs_to(asked: bytes, reply: bytes) -> bool:
    """Return True if a datagram is the server's in the same activity and call (C706 section 12.5)."""
    return (
        len(reply) >= 80 <= len(asked)
        and asked[1] in _ASKS
        and reply[1] in _ANSWERS
        and asked[40:56] + asked[64:68] == reply[40:56] + reply[64:68]
    )


def _size(data: bytes) -> int:
    """The bytes of a fragment that are looked at: it need not be there to its end."""
    size = int.from_bytes(data[8:10], _order(data))
    return min(max(size, 16), len(data))


def _order(data: bytes) -> Any:
    return "little" if data[4] >> 4 else "big"


def _belong(one: bytes, other: bytes) -> bool:
    """A call or a binding, and what answers it with its number and form (C706 section 12.6)."""
    if one[0] != 5 or other[0] != 5 or one[12:16] != other[12:16] or other[2] not in _REPLIES.get(one[2], ()):
        return False
    if other[2] not in _BOUND or one[2] not in _BINDS:
        return other[2] not in (2, 3) or (len(other) > 23 < len(one) and other[20:22] == one[20:22] and not other[23])
    order = _order(other)
    at = 26 + int.from_bytes(other[24:26], order) + 3 & ~3
    results = (
        [other[begin : begin + 2] for begin in range(at + 4, at + 4 + 24 * other[at], 24)] if at < len(other) else []
    )
    return bool(results) and all(int.from_bytes(result, order) <= _LAST_RESULT for result in results)


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    binds = len(client) > 2 and client[2] in (11, 14)
    if binds and len(client) >= 48:
        data = client[32:48]
        facts["interface"] = str(UUID(bytes_le=data) if client[4] >> 4 else UUID(bytes=data))
    return Description(facts, done=not binds or bool(facts))


def _representation(data: bytes) -> bool:
    """Character set and byte order, floating point, and zero bytes behind (C706 section 14.1)."""
    return data[0] & ~0x11 == 0 and data[1] <= 3 and not any(data[2:])


def _side(data: bytes, types: dict[int, int]) -> Evidence:
    if data and data[0] != 5:
        return NO
    if len(data) < 16:
        return MORE if (len(data) < 2 or data[1] <= 1) and (len(data) < 3 or data[2] in types) else NO
    if data[1] > 1 or data[2] not in types or not _representation(data[4:8]):
        return NO
    order: Any = "little" if data[4] >> 4 else "big"
    fragment, authentication = int.from_bytes(data[8:10], order), int.from_bytes(data[10:12], order)
    return YES if types[data[2]] <= fragment and authentication < fragment else NO


def _datagram(data: bytes) -> Evidence:
    if not data:
        return MORE
    if len(data) < 80 or data[0] != 4 or data[1] > 10 or not _representation(data[4:7] + b"\0"):
        return NO
    order: Any = "little" if data[4] >> 4 else "big"
    return YES if int.from_bytes(data[74:76], order) == len(data) - 80 and data[2] & 0x80 == 0 else NO
