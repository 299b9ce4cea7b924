"""iperf3, which measures throughput.

:checked: TCP: the cookie with which each connection begins; of the one that controls the test also the server's first
    states and the client's parameters; UDP: the number that opens a stream and the one that answers it
:source: iperf3, iperf_api.h (states, cookie), iperf_udp.c
:minimum: 37 bytes of the client; over UDP one datagram of each side
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import u24

api_version = 1
protocols = ("iperf",)
transport = ("tcp", "udp")
tier = "structural"
speaks_first = "client"
first_client = b"abcdefghijklmnopqrstuvwxyz2345679\x15\x07"
first_server = None

#: 36 characters of base 32 and a zero
_COOKIE: Final = 37
_characters: Final = re.compile(rb"[a-z2-7]{0,36}\Z").match
#: the server asks for parameters (the client: their length in four bytes and JSON), for streams, and starts
_STATES: Final = b"\x09\x0a\x01\x02"
_OPENINGS: Final = {
    b"9876": b"6789",
    b"\x15\xcd\x5b\x07": b"\xb1\x68\xde\x3a",
    b"\x07\x5b\xcd\x15": b"\x3a\xde\x68\xb1",
}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect iperf3."""
    if flow.proto == UDP:
        return by_request("iperf", _opens, _answers, flow, client, server, needs_answer=True)
    if not client:
        return MORE
    if not _characters(client[: _COOKIE - 1]) or client[_COOKIE - 1 : _COOKIE] not in (b"", b"\0"):
        return NO
    if len(client) < _COOKIE:
        return MORE
    if not server:
        return Match("iperf", confirmed=False, done=False)
    states = server[: len(_STATES)]
    asked = _STATES.startswith(states)
    told = client[_COOKIE : _COOKIE + 5]
    holds = len(told) == 5 and told[0] == 0 and u24(told, 1) > 1 and told[4:] == b"{"
    proved = states == _STATES and holds
    return Match("iperf", confirmed=proved, done=proved or not asked or (len(told) == 5 and not holds))


def _opens(data: bytes) -> Evidence:
    return {} if data in _OPENINGS else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    return YES if answer == _OPENINGS[request] else NO
