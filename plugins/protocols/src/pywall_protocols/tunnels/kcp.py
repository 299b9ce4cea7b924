"""KCP, a reliable transport over UDP, where nothing encrypts it.

:checked: segments with one conversation number, a known command, a window, and lengths that fill the datagram; an
    answer in the same conversation; where the data looks random the name stays a guess: KCP carries anything
:source: skywind3000/kcp, protocol.txt and ikcp.c
:minimum: one datagram of 24 bytes
:facts: conversation
"""

from __future__ import annotations

from math import exp
from struct import Struct
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import first_datagram

api_version = 1
protocols = ("kcp",)
transport = "udp"
tier = "heuristic"
first_client = None
first_server = None

#: conversation, command, fragments that follow, window, time, number, first number not received, bytes of data
_SEGMENT: Final = Struct("<IBBHIIII").unpack_from
_HEADER: Final = 24
_TELLING, _NEARLY = 24, 0.85
"""Bytes of data that tell, and the share of the different values that random ones have."""
_COMMANDS: Final = (b"Q", b"T")
_PUSH, _ACKNOWLEDGE, _WINDOW_ASKED, _WINDOW_TOLD = range(81, 85)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect KCP."""
    if client and not _COMMANDS[0] <= client[4:5] <= _COMMANDS[1]:
        return NO
    firsts = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
    return by_request("kcp", _segments, _answers, flow, client, server, None if any(map(_is_noise, firsts)) else _fits)


def _segments(data: bytes) -> Evidence:
    conversation = _conversation(data)
    return {"conversation": conversation} if conversation else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    if _conversation(answer) != _conversation(request):
        return NO
    if request[4] == answer[4] and is_copy(request, answer):
        return MORE
    return MORE if _is_noise(request) or _is_noise(answer) else YES


def _fits(one: bytes, other: bytes) -> bool:
    """An acknowledgement tells the time and number of what was pushed, what is pushed back that the number was
    received; a window is told to who asks for it."""
    (_, asks, _, _, time, number, received, _), (_, says, _, _, told, back, awaited, _) = _SEGMENT(one), _SEGMENT(other)
    if asks == _PUSH == says:
        return bool(awaited == number + 1 != received)
    acknowledged = asks == _PUSH and says == _ACKNOWLEDGE and (time, number) == (told, back)
    return acknowledged or (asks == _WINDOW_ASKED and says == _WINDOW_TOLD)


def _is_noise(datagram: bytes) -> bool:
    """The data of the segments has nearly as many different bytes as random ones."""
    at, data = 0, bytearray()
    while at + _HEADER <= len(datagram):
        length = _SEGMENT(datagram, at)[7]
        data += datagram[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
    return len(data) >= _TELLING and len(set(data)) >= _NEARLY * 256 * (1 - exp(-len(data) / 256))


def _conversation(data: bytes) -> int:
    """Return the number that all segments of the datagram have; 0 where they are not segments."""
    if len(data) < _HEADER or not _PUSH <= data[4] <= _WINDOW_TOLD:
        return 0
    at, size = 0, len(data)
    number: int = _SEGMENT(data)[0]
    while at + _HEADER <= size:
        conversation, command, fragment, window, _, _, _, length = _SEGMENT(data, at)
        if conversation != number or not _PUSH <= command <= _WINDOW_TOLD or not window:
            return 0
        if command != _PUSH and (length or fragment):
            return 0
        at += _HEADER + length
    return number if at == size else 0
