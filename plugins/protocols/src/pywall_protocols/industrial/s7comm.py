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

from ..parsing.evidence import Evidence, by_stream
from ..parsing.tpkt import user_data
from ..parsing.wire import cut, u16

api_version = 1
protocols = ("s7comm",)
transport = "tcp"
tier = "structural"
first_client = b"\3"
first_server = b"\3"

_CLASSIC: Final = 0x32
_PLUS: Final = 0x72
_MESSAGES: Final = {1: "job", 2: "ack", 3: "ack_data", 7: "userdata"}
_USER_DATA: Final = 7
_PAIRS: Final = ((1, 2), (1, 3))
_REQUEST, _RESPONSE = 0x31, 0x32
_PLUS_VERSIONS: Final = (1, 2, 3, 0xFE)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect S7 communication."""
    return by_stream("s7comm", _packet, client, server, proved=lambda: _answers(client, server))


def _answers(client: bytes, server: bytes) -> bool:
    """The server answers what is asked: by its number, and by who may say what it says."""
    one, other = user_data(client), user_data(server)
    if isinstance(one, Answer) or isinstance(other, Answer):
        return False
    asked, answered = cut(client, *one), cut(server, *other)
    if asked[:1] == answered[:1] == bytes([_PLUS]):
        return (_operation(asked), _operation(answered)) == (_REQUEST, _RESPONSE)
    if len(asked) < 10 or len(answered) < 10 or asked[0] != answered[0] or asked[4:6] != answered[4:6]:
        return False
    if asked[1] == answered[1] == _USER_DATA:  # who asks, who answers is in the parameter
        return len(asked) > 15 < len(answered) and (asked[15] >> 4, answered[15] >> 4) == (4, 8)
    return (asked[1], answered[1]) in _PAIRS


def _operation(data: bytes) -> int:
    """Return the operation, behind a digest in version 3; -1 where it is not there."""
    at = 4 if data[1:2] != b"\3" else 5 + data[4] if len(data) > 4 else len(data)
    return data[at] if at < len(data) else -1


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
