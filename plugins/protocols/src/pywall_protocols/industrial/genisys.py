"""Genisys: the signalling of railways, serial messages over TCP.

:checked: a known header of each side, a station, no control characters but escaped ones up to the terminator, and the
    checksum before it
:source: Union Switch & Signal (Ansaldo STS), Genisys protocol, as the documentation of CISA's parser describes it
:minimum: a whole message, 3 to 5 bytes
:facts: station
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.checksum import MODBUS
from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import cut

api_version = 1
protocols = ("genisys",)
transport = "tcp"
tier = "structural"
#: common control, acknowledge and poll, poll, control, recall, execute
first_client = bytes(range(0xF9, 0xFF))
#: acknowledge, indications, control checkback, common control
first_server = bytes((0xF1, 0xF2, 0xF3, 0xF9))

_ACKNOWLEDGE: Final = 0xF1
_POLL: Final = 0xFB
_ESCAPE: Final = 0xF0
_END: Final = 0xF6
#: bytes of a message, escapes and all
_MOST: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Genisys."""
    return client_first("genisys", _message(client, first_client), _message(server, first_server))


def _message(data: bytes, headers: bytes) -> Evidence:
    if not data:
        return MORE
    if data[0] not in headers:
        return NO
    end = data.find(_END, 1, _MOST)
    inside = cut(data, 1, end if end >= 0 else _MOST)
    if end < 0 and len(data) >= _MOST:
        return NO
    content = bytearray(data[:1])
    escaped = False
    for byte in inside:
        if byte == _ESCAPE and not escaped:
            escaped = True
            continue
        if byte > _ESCAPE or (escaped and byte > 0x0F):
            return NO
        content.append(byte | _ESCAPE if escaped else byte)
        escaped = False
    if end < 0:
        return MORE
    if len(content) == 2 and data[0] == _ACKNOWLEDGE:  # without a checksum; a poll may be without one as well
        return {"station": content[1]}
    return {"station": content[1]} if len(content) >= 4 and MODBUS.ends(bytes(content)) else NO
