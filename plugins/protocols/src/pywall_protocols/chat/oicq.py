"""OICQ, Tencent's QQ over UDP.

:checked: first and last byte of both datagrams, and the answer's command and sequence number
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
_LAST_COMMAND: Final = 0x0100


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OICQ."""
    return by_request("oicq", _message, _answers, flow, client, server, needs_answer=True)


def _message(data: bytes) -> Evidence:
    holds = len(data) >= _SHORTEST and data[0] == 2 and data[-1] == 3 and u16(data, 3) <= _LAST_COMMAND
    return {"command": u16(data, 3)} if holds and any(data[7:11]) else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    return YES if isinstance(_message(answer), dict) and answer[3:7] == request[3:7] else NO
