"""Synchrophasors of power systems (IEEE C37.118), over TCP and UDP.

:checked: the sync byte, a known frame and version, and the checksum of the whole frame
:source: IEEE C37.118.2-2011 clause 6.2, annex B (CRC)
:minimum: the whole first frame, 16 bytes
:facts: frame, idcode
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_message
from ..parsing.wire import u16

api_version = 1
protocols = ("synphasor",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\xaa"
first_server = b"\xaa"

_FRAMES: Final = ("data", "header", "config1", "config2", "command", "config3")
_LEAST: Final = 16


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IEEE C37.118."""
    return by_message("synphasor", _frame, flow, client, server)


def _frame(data: bytes) -> Evidence:
    if data[0] != 0xAA:
        return NO
    if len(data) < 4:
        return MORE
    size = u16(data, 2)
    kind, version = data[1] >> 4, data[1] & 15
    if kind >= len(_FRAMES) or not 1 <= version <= 3 or size < _LEAST:
        return NO
    if len(data) < size:
        return MORE
    if crc_hqx(data[: size - 2], 0xFFFF) != u16(data, size - 2):
        return NO
    return {"frame": _FRAMES[kind], "idcode": u16(data, 4)}
