"""sFlow versions 2, 4 and 5: sampled packets and counters on their way to a collector.

:checked: version and address family, and, of version 5, samples that fill the datagram
:source: sFlow.org, sFlow Version 5, section 5; RFC 3176 section 5 (versions 2 and 4)
:minimum: the first datagram, 28 bytes
:facts: version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u32

api_version = 1
protocols = ("sflow",)
transport = "udp"
tier = "structural"
first_client = b"\0"
first_server = None

#: bytes of the agent's address by its family
_ADDRESSES: Final = {1: 4, 2: 16}
_MAX_SAMPLES: Final = 256
#: RFC 3176: flow sample, counter sample
_OLD_SAMPLES: Final = (1, 2)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect sFlow."""
    return by_beacon("sflow", _message, flow, client)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 28 or u32(data, 4) not in _ADDRESSES:
        return NO
    version = u32(data, 0)
    at = 8 + _ADDRESSES[u32(data, 4)] + (12 if version == 5 else 8)
    if version not in (2, 4, 5) or size < at + 4 or u32(data, at) > _MAX_SAMPLES:
        return NO
    if version != 5:
        holds = size > at + 36 and u32(data, at) > 0 and u32(data, at + 4) in _OLD_SAMPLES
        return {"version": version} if holds else NO
    left = u32(data, at)
    at += 4
    while left and at + 8 <= size:
        at += 8 + u32(data, at + 4)
        left -= 1
    return {"version": 5} if at == size and not left else NO
