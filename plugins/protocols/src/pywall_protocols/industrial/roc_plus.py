"""ROC Plus: Emerson's controllers of wells and pipelines, over UDP and TCP.

:checked: addresses, a known opcode, the length, and the checksum over the whole message
:source: Emerson, ROC Plus Protocol Specifications manual (D301180X012), sections 1.3, 2 and 3
:minimum: the first message, 8 bytes
:facts: opcode
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.checksum import MODBUS
from ..parsing.evidence import Evidence, by_message

api_version = 1
protocols = ("roc-plus",)
transport = ("tcp", "udp")
tier = "heuristic"
first_client = None
first_server = None

#: to and from: unit and group of each; opcode, bytes of data
_HEADER: Final = 6
_CHECKSUM: Final = 2
_OPCODES: Final = frozenset(
    (0, 6, 7, 8, 10, 11, 17, 24, 50, *range(100, 108), *range(118, 144), 166, 167, 180, 181, 203, 206, 224, 225, 255)
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ROC Plus."""
    return by_message("roc-plus", _message, flow, client, server)


def _message(data: bytes) -> Evidence:
    if len(data) < _HEADER:
        return MORE if len(data) < 5 or data[4] in _OPCODES else NO
    end = _HEADER + data[5] + _CHECKSUM
    if data[4] not in _OPCODES or data[:2] == data[2:4]:
        return NO
    if len(data) < end:
        return MORE
    return {"opcode": data[4]} if MODBUS.ends(data[:end]) else NO
