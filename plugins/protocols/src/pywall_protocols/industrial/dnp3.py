"""DNP3, the protocol of electricity and water utilities, over TCP and UDP.

:checked: the start bytes, the length, and the checksum of the link header
:source: IEEE 1815-2012 clause 9.2 (data link frame), annex on the CRC
:minimum: 10 bytes
:facts: type, source, destination
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.checksum import DNP3
from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_message
from ..parsing.wire import starts

api_version = 1
protocols = ("dnp3",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\x05"
first_server = b"\x05"

_START: Final = b"\x05\x64"
_HEADER: Final = 10
_MIN_LENGTH: Final = 5


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DNP3."""
    return by_message("dnp3", _frame, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """Who is answered has sent the request; else the answer says other things, as of another station on the line."""
    if one[6:8] == other[4:6] and one[4:8] != other[4:8]:
        return True
    end = _frame_end(one)
    return not is_copy(one[:end], other[:end])


def _frame_end(data: bytes) -> int:
    """Return where a frame ends: behind each 16 bytes of data, or what is left of them, is a sum."""
    size = data[2] - _MIN_LENGTH if len(data) >= _HEADER else 0
    return _HEADER + size + 2 * ((size + 15) // 16)


def _frame(data: bytes) -> Evidence:
    begins = starts(data, _START)
    if begins is not YES:
        return begins
    if len(data) < _HEADER:
        return MORE
    if data[2] < _MIN_LENGTH or not DNP3.ends(data[:_HEADER]):
        return NO
    return {
        "type": "request" if data[3] & 0x80 else "response",
        "source": int.from_bytes(data[6:8], "little"),
        "destination": int.from_bytes(data[4:6], "little"),
    }
