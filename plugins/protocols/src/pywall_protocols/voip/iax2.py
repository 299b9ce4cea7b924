"""Inter-Asterisk eXchange version 2.

:checked: a full frame that begins a call, a registration or a check: no destination yet, first numbers, and information
    elements that fill the datagram
:source: RFC 5456 sections 8.1, 8.4, 8.6
:minimum: the first datagram, 12 bytes
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence
from ..parsing.wire import u16

api_version = 1
protocols = ("iax2",)
transport = "udp"
tier = "structural"
first_client = bytes(range(0x80, 0x100))
first_server = None

_HEADER: Final = 12
_IAX: Final = 6
#: a call number, without the bit of a full frame or of a repetition
_NUMBER: Final = 0x7FFF
_BEGINNINGS: Final = {
    0x01: "new",
    0x0D: "regreq",
    0x10: "regrel",
    0x1E: "poke",
    0x1F: "pong",
    0x25: "fwdownl",
    0x28: "calltoken",
}
_BARE: Final = (0x1E, 0x1F)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IAX2."""
    if not client:
        return MORE
    data = client[: flow.client_sizes[0]]
    facts = _message(data)
    if not isinstance(facts, dict):
        return NO
    answers = len(server) >= _HEADER and server[10] == _IAX and u16(server, 2) & _NUMBER == u16(data, 0) & _NUMBER
    return Match("iax2", facts, confirmed=answers, done=bool(server))


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < _HEADER or u16(data, 2) or data[8] or data[9] or data[10] != _IAX or data[11] not in _BEGINNINGS:
        return NO
    at = _HEADER
    while at + 2 <= size and data[at]:
        at += 2 + data[at + 1]
    if at != size or (size == _HEADER and data[11] not in _BARE):
        return NO
    return {"message": _BEGINNINGS[data[11]]}
