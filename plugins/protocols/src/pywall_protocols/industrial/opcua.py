"""OPC UA's binary protocol over TCP.

:checked: the message type, ``F`` (or C, A of a chunk), and a size that fits it; of a hello also the length of its
    address
:source: OPC 10000-6 section 7.1.2
:minimum: 8 bytes, of a hello 32
:facts: message, url
"""

from __future__ import annotations

import re
from struct import Struct
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_stream
from ..parsing.wire import cut, text

api_version = 1
protocols = ("opcua",)
transport = "tcp"
tier = "exact"
first_client = b"HAEROMC"
first_server = first_client

_u32 = Struct("<I").unpack_from
_type = re.compile(rb"(?:HEL|ACK|ERR|RHE|OPN|MSG|CLO)[FCA]").match
_beginning = re.compile(rb"(?:H(?:EL?)?|A(?:CK?)?|E(?:RR?)?|R(?:HE?)?|O(?:PN?)?|M(?:SG?)?|C(?:LO?)?)?\Z").match
_MAX_SIZE: Final = 1 << 26
_HELLO: Final = 32
_MOST: Final = 4096 + _HELLO
_SIZES: Final = {b"ACK": range(28, 29), b"ERR": range(16, 4112)}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OPC UA."""
    return by_stream(
        "opcua", _message, client, server, proved=belonging(client, server, 8, _size, _message, _belong, _MOST)
    )


def _size(data: bytes) -> int:
    return int(_u32(data, 4)[0])


def _belong(one: bytes, other: bytes) -> bool:
    """Two kinds of messages; a channel that is opened gets a number; later messages are alike (part 6 section 6.7)."""
    if one[:3] != other[:3] or one[:3] == b"MSG":
        return True
    return one[:3] == b"OPN" and not any(one[8:12]) and any(other[8:12])


def _message(data: bytes) -> Evidence:
    if len(data) < 8:
        return MORE if _beginning(data) or _type(data) else NO
    if not _type(data):
        return NO
    size = _u32(data, 4)[0]
    kind = data[:3]
    if kind != b"HEL":
        return {"message": kind.decode()} if size in _SIZES.get(kind, range(12, _MAX_SIZE)) else NO
    if not _HELLO <= size <= 4096 + _HELLO:
        return NO
    if len(data) < _HELLO:
        return MORE
    if _u32(data, 28)[0] != size - _HELLO and _u32(data, 28)[0] != 0xFFFFFFFF:
        return NO
    return {"message": "HEL", "url": text(cut(data, _HELLO, size))} if len(data) >= size else MORE
