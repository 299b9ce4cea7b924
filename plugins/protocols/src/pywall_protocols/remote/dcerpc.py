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

from ..parsing.copies import is_copy
from ..parsing.evidence import Description, Evidence, client_first
from ..parsing.wire import first_datagram

api_version = 1
protocols = ("dcerpc",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\x04\x05"
first_server = b"\x04\x05"

#: packet types of the client and of the server, with the shortest fragment of each
_CLIENT: Final = {0: 24, 11: 28, 14: 28, 16: 20, 18: 16, 19: 16, 20: 16, 17: 16}
_SERVER: Final = {2: 24, 3: 24, 12: 24, 13: 18, 15: 24, 17: 16, 20: 16}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DCE/RPC."""
    if flow.proto == UDP:
        asked, reply = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
        proved = asked[1:2] != reply[1:2] or not is_copy(asked, reply)
        return client_first("dcerpc", _datagram(asked), _datagram(reply), proved=proved)
    return client_first("dcerpc", _side(client, _CLIENT), _side(server, _SERVER), _describe, client, server)


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
