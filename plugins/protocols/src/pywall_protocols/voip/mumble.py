"""Mumble's ping, which clients and lists of servers send over UDP.

:checked: 12 bytes that begin with zeros, answered by 24 with the same identifier
:source: Mumble protocol documentation, UDP ping (wiki.mumble.info/wiki/Protocol)
:minimum: one datagram of each side
:facts: version, users, most_users
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import first_datagram, u32

api_version = 1
protocols = ("mumble",)
transport = "udp"
tier = "structural"
first_client = b"\0"
first_server = b"\0\1\2"

_PING: Final = 12
_PONG: Final = 24


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Mumble."""
    answer = by_request("mumble", _ping, _answers, flow, client, server, needs_answer=True)
    if not isinstance(answer, Match):
        return answer
    pong = first_datagram(server, flow.server_sizes)
    facts: dict[str, Any] = {"version": f"{pong[1]}.{pong[2]}.{pong[3]}"}
    facts["users"], facts["most_users"] = u32(pong, 12), u32(pong, 16)
    return Match("mumble", facts)


def _ping(data: bytes) -> Evidence:
    return {} if len(data) == _PING and data[:4] == bytes(4) else NO


def _answers(ping: bytes, pong: bytes) -> Answer:
    return YES if len(pong) == _PONG and pong[4:12] == ping[4:12] and pong[0] == 0 else NO
