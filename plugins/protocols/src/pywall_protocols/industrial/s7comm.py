"""Siemens S7 communication, classic and plus, over TPKT.

:checked: behind the opening of the transport connection a header of S7 (0x32) with a known kind of message and lengths
    that are the packet's, or of S7 plus (0x72) with its trailer or a length that goes on
:source: RFC 1006; ISO 8073 clause 13; Wireshark's packet-s7comm.c for the headers (Siemens has published none)
:minimum: 17 bytes, behind the opening
:facts: message, function
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_stream
from ..parsing.tpkt import user_data
from ..parsing.wire import u16

api_version = 1
protocols = ("s7comm",)
transport = "tcp"
tier = "structural"
first_client = b"\3"
first_server = b"\3"

_CLASSIC: Final = 0x32
_PLUS: Final = 0x72
_TPKT: Final = 4
_USER_DATA: Final = 7
_MESSAGES: Final = {1: "job", 2: "ack", 3: "ack_data", 7: "userdata"}
_PLUS_VERSIONS: Final = (1, 2, 3, 0xFE)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect S7 communication."""
    return by_stream(
        "s7comm", _packet, client, server, proved=belonging(client, server, _TPKT, _size, _carries, _belong)
    )


def _carries(data: bytes) -> Evidence:
    """A packet behind the connection's opening."""
    return {} if data[5:6] == b"\xf0" and data[7:8] in (b"\x32", b"\x72") else NO


def _size(data: bytes) -> int:
    return u16(data, 2)


def _belong(one: bytes, other: bytes) -> bool:
    """A job and its acknowledgement; who asks and who answers is in the parameter of user data, in the operation of
    newer devices."""
    if one[7:8] != other[7:8] or min(len(one), len(other)) < 12:
        return False
    if one[7] == _PLUS:
        return one[11] != other[11] or one[8] == 3
    if one[8] == other[8] == _USER_DATA:
        return one[22:23] != other[22:23]
    return one[7] == _CLASSIC and one[8] != other[8]


def _packet(data: bytes) -> Evidence:
    found = user_data(data)
    if isinstance(found, Answer):
        return found
    at, end = found
    if len(data) < at + 4:
        return MORE if len(data) <= at or data[at] in (_CLASSIC, _PLUS) else NO
    if data[at] == _PLUS:
        rest = end - at - 4 - u16(data, at + 2)
        return {"message": "plus"} if data[at + 1] in _PLUS_VERSIONS and (rest == 4 or rest < 0) else NO
    if data[at] != _CLASSIC or data[at + 1] not in _MESSAGES or data[at + 2 : at + 4] != b"\0\0":
        return NO
    if len(data) < at + 10:
        return MORE
    header = 12 if data[at + 1] in (2, 3) else 10
    parameters = u16(data, at + 6)
    if header + parameters + u16(data, at + 8) > end - at:
        return NO
    facts: dict[str, Any] = {"message": _MESSAGES[data[at + 1]]}
    if parameters:
        if len(data) <= at + header:
            return MORE
        facts["function"] = data[at + header]
    return facts
