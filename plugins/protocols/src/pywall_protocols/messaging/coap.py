"""Constrained Application Protocol over UDP.

:checked: version, a known code, and options with known numbers up to the payload; a request's path, query, host or
    observation, or a response to the same message or token
:source: RFC 7252 sections 3, 5.10, 12; RFC 7641, 7959, 8132, 8613 (more codes and options); draft-ietf-core-coap-08
    sections 3.1, 3.2 and 5.10 (options counted, with other numbers)
:minimum: the first datagram, of a response one of each side
:facts: code
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import cut, first_datagram, u16

api_version = 1
protocols = ("coap",)
transport = "udp"
tier = "heuristic"
first_client = bytes(n for n in range(0x40, 0x80) if n & 15 <= 8)
first_server = first_client

_METHODS: Final = range(1, 8)
_RESPONSES: Final = frozenset(
    (*range(0x41, 0x46), 0x5F, *range(0x80, 0x87), 0x88, 0x89, *range(0x8C, 0x90), 0x96, 0x9D, *range(0xA0, 0xA6), 0xA8)
)
#: greatest length of each option, by RFC 7252 section 5.10 and IANA's registry
_LENGTHS: Final = {
    **dict.fromkeys((1, 4, 292), 8),
    **dict.fromkeys((3, 8, 9, 11, 15, 20, 39), 255),
    **dict.fromkeys((6, 19, 23, 27, 31), 3),
    **dict.fromkeys((7, 12, 17), 2),
    **dict.fromkeys((14, 28, 60), 4),
    **dict.fromkeys((16, 258), 1),
    5: 0,
    35: 1034,
    252: 40,
}
#: host, path, query, and what else is text
_TEXTS: Final = frozenset({3, 8, 11, 15, 20, 35, 39})
#: of the drafts: greatest lengths; proxy, host, paths and query are text; a path tells
_LENGTHS_OF_DRAFTS: Final = {
    1: 2,
    2: 4,
    4: 8,
    7: 2,
    11: 8,
    12: 2,
    13: 8,
    14: 0,
    21: 0,
    **dict.fromkeys((3, 5, 6, 8, 9, 15), 270),
}
_TEXTS_OF_DRAFTS: Final = frozenset({3, 5, 6, 8, 9, 15})
_TELLING_OF_DRAFTS: Final = frozenset({9})
_readable = re.compile(rb"[ -~\xc2-\xf4\x80-\xbf]*\Z").match
_TELLING: Final = frozenset({3, 6, 11, 15})


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect CoAP."""
    if not client:
        return MORE
    data = client[: flow.client_sizes[0]]
    options = _options(data)
    drafts = options is None
    if options is None:
        options = _options_of_drafts(data)
    if options is None:
        return NO
    asks = data[1] in _METHODS and not options.isdisjoint(_TELLING_OF_DRAFTS if drafts else _TELLING)
    if not server:
        return Match("coap", {"code": _code(data)}, confirmed=False, done=False) if asks else NO if drafts else MORE
    answered = _belongs(data, first_datagram(server, flow.server_sizes), drafts)
    return Match("coap", {"code": _code(data)}, confirmed=answered) if asks or (answered and not drafts) else NO


def _belongs(data: bytes, answer: bytes, drafts: bool) -> bool:
    """Return True if both hold and have a message number or a token in common, and one is no copy of the other."""
    if (_options_of_drafts if drafts else _options)(answer) is None or data[1] == answer[1]:
        return False
    token = b"" if drafts else data[4 : 4 + (data[0] & 15)]
    return u16(data, 2) == u16(answer, 2) or (bool(token) and token == answer[4 : 4 + (answer[0] & 15)])


def _code(data: bytes) -> str:
    return f"{data[1] >> 5}.{data[1] & 31:02}"


def _options(data: bytes) -> frozenset[int] | None:
    """Numbers of the options of a message that holds, else None."""
    size = len(data)
    if size < 4 or data[0] >> 6 != 1 or data[0] & 15 > 8:
        return None
    at = 4 + (data[0] & 15)
    if data[1] == 0:  # empty: no token, no options
        return frozenset() if size == 4 == at else None
    if data[1] not in _METHODS and data[1] not in _RESPONSES:
        return None
    numbers = set()
    number = 0
    while at < size and data[at] != 0xFF:
        delta, after = _extended(data, data[at] >> 4, at + 1)
        length, after = _extended(data, data[at] & 15, after)
        number += delta
        at = after + length
        if at > size or length > _LENGTHS.get(number, -1):
            return None
        if number in _TEXTS and not _readable(cut(data, after, at)):
            return None
        numbers.add(number)
    return frozenset(numbers) if at == size or at < size - 1 else None


def _options_of_drafts(data: bytes) -> frozenset[int] | None:
    """Return the options' numbers of a message as drafts 3 to 12 have it: counted, a response's content behind."""
    size = len(data)
    if size < 5 or data[0] >> 6 != 1 or not data[0] & 15 or (data[1] not in _METHODS and data[1] not in _RESPONSES):
        return None
    numbers = set()
    number, at = 0, 4
    for _ in range(data[0] & 15):
        if at >= size:
            return None
        number += data[at] >> 4
        length, after = data[at] & 15, at + 1
        if length == 15:
            length, after = 15 + int.from_bytes(data[after : after + 1], "big"), after + 1
        at = after + length
        if at > size or length > _LENGTHS_OF_DRAFTS.get(number, -1):
            return None
        if number in _TEXTS_OF_DRAFTS and not _readable(cut(data, after, at)):
            return None
        numbers.add(number)
    return frozenset(numbers) if at == size or data[1] in _RESPONSES else None


def _extended(data: bytes, short: int, at: int) -> tuple[int, int]:
    """Return a number of four bits, or of one or two bytes at ``at`` for 13 and 14, and the offset behind it."""
    if short == 13:
        return 13 + int.from_bytes(data[at : at + 1], "big"), at + 1
    if short == 14:
        return 269 + int.from_bytes(data[at : at + 2], "big"), at + 2
    return (short, at) if short < 13 else (len(data), at)
