"""DLMS/COSEM meters over HDLC frames (IEC 62056-46).

:checked: an HDLC frame of type 3: flags, length, and a checksum over all between
:source: IEC 62056-46; ISO/IEC 13239 section 4; RFC 1662 appendix C (the checksum)
:minimum: one frame of 9 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.checksum import X25
from ..parsing.evidence import Evidence, by_message
from ..parsing.wire import cut, u16

api_version = 1
protocols = ("dlms",)
transport = ("tcp", "udp")
tier = "structural"
first_client = b"~"
first_server = b"~"

_FLAG: Final = 0x7E
_SHORTEST: Final = 7


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DLMS."""
    return by_message("dlms", _frame, flow, client, server)


def _frame(data: bytes) -> Evidence:
    if data[0] != _FLAG or (len(data) > 1 and data[1] & 0xF0 != 0xA0):
        return NO
    if len(data) < 3:
        return MORE
    length = u16(data, 1) & 0x7FF
    if length < _SHORTEST:
        return NO
    if len(data) < length + 2:
        return MORE
    return {} if data[length + 1] == _FLAG and X25.ends(cut(data, 1, length + 1)) else NO
