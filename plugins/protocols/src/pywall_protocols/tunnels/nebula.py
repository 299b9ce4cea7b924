"""Nebula, by the handshake that opens a tunnel.

:checked: version 1 and the kind handshake, reserved bytes zero, no index of the receiver and counter 1; in the answer
    an index and counter 2
:source: Nebula (github.com/slackhq/nebula), header/header.go; Noise IX with a pre-shared key
:minimum: the first datagram, 16 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request

api_version = 1
protocols = ("nebula",)
transport = "udp"
tier = "exact"
first_client = b"\x10"
first_server = b"\x10"

#: version 1, handshake; the kind of handshake (0, 1); reserved
_HANDSHAKE: Final = (b"\x10\0\0\0", b"\x10\1\0\0")
_HEADER: Final = 16


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Nebula."""
    return by_request("nebula", _opening, _answers, flow, client, server)


def _opening(data: bytes) -> Evidence:
    opens = len(data) > _HEADER and data.startswith(_HANDSHAKE)
    return {} if opens and data[4:_HEADER] == bytes(11) + b"\1" else NO


def _answers(opening: bytes, answer: bytes) -> Answer:
    fits = len(answer) > _HEADER and answer[:4] == opening[:4] and answer[4:8] != bytes(4)
    return YES if fits and answer[8:_HEADER] == bytes(7) + b"\2" else NO
