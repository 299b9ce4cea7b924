"""Photon, the transport of Exit Games' engine: Toca Life and many games on mobile telephones.

:checked: header, and commands whose lengths fill the datagram; the other side repeats the number that the client chose
:source: Photon Engine, Photon Realtime binary protocol; nDPI's documentation (Toca Boca); recorded traffic
:minimum: one datagram of 24 bytes
:facts: command
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import u32

api_version = 1
protocols = ("photon",)
transport = "udp"
tier = "heuristic"
first_client = None
first_server = None

_COMMANDS: Final = {
    1: "acknowledge",
    2: "connect",
    3: "verify-connect",
    4: "disconnect",
    5: "ping",
    6: "send-reliable",
    7: "send-unreliable",
    8: "send-fragment",
    11: "send-unsequenced",
    12: "set-time",
}
#: peer, flags, count of commands, time, the client's number
_HEADER: Final = 12
#: kind, channel, flags, reserved, length, number
_COMMAND: Final = 12
#: behind them a connection is opened with 32 bytes, an acknowledgement tells number and time
_CONNECT_SIZE: Final = 44
_ACKNOWLEDGE_SIZE: Final = 20
#: the highest flags
_FLAGGED: Final = b"\1"
#: no peer yet
_NEW: Final = b"\xff\xff\0"
_MOST_COMMANDS: Final = 64


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Photon."""
    if client[2:3] > _FLAGGED:
        return NO
    return by_request("photon", _message, _answers, flow, client, server, _belong)


def _message(data: bytes) -> Evidence:
    kind = _first_command(data)
    return {"command": _COMMANDS[kind]} if kind else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    if not _first_command(answer) or answer[8:_HEADER] != request[8:_HEADER]:
        return NO
    return MORE if request[_HEADER] == answer[_HEADER] and is_copy(request, answer) else YES


def _belong(one: bytes, other: bytes) -> bool:
    """An acknowledgement tells the number of a command and when it was sent; who connects is verified."""
    if other[_HEADER] == 1:
        return one[_HEADER] != 1 and other[24:32] == one[20:24] + one[4:8]
    return one[_HEADER] == 2 and other[_HEADER] == 3


def _first_command(data: bytes) -> int:
    """Return the first command of a datagram that its commands fill, or 0."""
    size = len(data)
    if size < _HEADER + _COMMAND or not 1 <= data[3] <= _MOST_COMMANDS or data[2] > 1 or not any(data[8:_HEADER]):
        return 0
    kind = data[_HEADER]
    opens = kind == 2
    if kind not in _COMMANDS or opens != data.startswith(_NEW):
        return 0
    at = _HEADER
    for _ in range(data[3]):
        if at + _COMMAND > size or data[at] not in _COMMANDS:
            return 0
        length = u32(data, at + 4)
        if not _fits(data[at], length):
            return 0
        at += length
    return kind if at == size else 0


def _fits(kind: int, length: int) -> bool:
    if kind in (2, 3):
        return length == _CONNECT_SIZE
    return length == _ACKNOWLEDGE_SIZE if kind == 1 else length >= _COMMAND
