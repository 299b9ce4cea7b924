"""OICQ, Tencent's QQ over UDP.

:checked: first and last byte, a known command, and the answer's command and sequence number
:source: Wireshark, OICQ; Tencent publishes no specification
:minimum: the first datagram, 13 bytes
:facts: command
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import u16

api_version = 1
protocols = ("oicq",)
unseen = ("oicq",)
transport = "udp"
tier = "structural"
first_client = b"\2"
first_server = b"\2"

_SHORTEST: Final = 13
#: commands by Wireshark's packet-oicq.c
_COMMANDS: Final = frozenset(
    (
        *(0x01, 0x02, 0x04, 0x05, 0x06, 0x09, 0x0A, 0x0B, 0x0D, 0x12, 0x16, 0x17, 0x18, 0x1C, 0x1D, 0x21, 0x22, 0x26),
        *(0x27, 0x29, 0x30, 0x31, 0x3C, 0x3D, 0x3E, 0x58, 0x5C, 0x62, 0x65, 0x67, 0x80, 0x81, 0xB5),
    )
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OICQ."""
    return by_request("oicq", _message, _answers, flow, client, server)


def _message(data: bytes) -> Evidence:
    holds = len(data) >= _SHORTEST and data[0] == 2 and data[-1] == 3 and u16(data, 3) in _COMMANDS
    return {"command": u16(data, 3)} if holds and any(data[7:11]) else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    return YES if isinstance(_message(answer), dict) and answer[3:7] == request[3:7] else NO
