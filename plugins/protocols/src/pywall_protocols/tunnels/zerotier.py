"""ZeroTier, by the addresses of both nodes.

:checked: a HELLO in the clear: cipher 0, no hop, verb, versions; the answer's addresses are the question's exchanged
:source: ZeroTier (github.com/zerotier/ZeroTierOne), node/Packet.hpp
:minimum: one datagram of 41 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request

api_version = 1
protocols = ("zerotier",)
unseen = protocols
transport = "udp"
tier = "structural"
first_client = None
first_server = None

_HEADER: Final = 28
_HELLO: Final = 41  # with versions and time
_VERB_HELLO: Final = 1
_PROTOCOLS: Final = range(4, 32)
_MAJOR: Final = (1, 2)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ZeroTier."""
    return by_request("zerotier", _hello, _answers, flow, client, server)


def _hello(data: bytes) -> Evidence:
    """Packet id, receiver, sender, flags (cipher and hops), MAC, verb; then the versions of protocol and program."""
    if len(data) < _HELLO or data[18] or data[27] != _VERB_HELLO:
        return NO
    return {} if data[28] in _PROTOCOLS and data[29] in _MAJOR and data[30] < 64 and data[31] == 0 else NO


def _answers(hello: bytes, answer: bytes) -> Answer:
    swapped = answer[8:13] == hello[13:18] and answer[13:18] == hello[8:13]
    return YES if len(answer) >= _HEADER and swapped else NO
