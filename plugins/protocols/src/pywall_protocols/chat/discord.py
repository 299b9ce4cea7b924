"""Discord's voice channels: the search for one's own address, and keep-alives.

:checked: a request or response of 74 bytes with its length, a source, an address as text and zeros; or the
    keep-alive's magic
:source: Discord Developer Documentation, Voice Connections, IP Discovery
:minimum: the first datagram, 8 bytes
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram

api_version = 1
protocols = ("discord",)
transport = "udp"
tier = "exact"
first_client = b"\0\x13"
first_server = None

_KEEP_ALIVES: Final = (b"\x13\x37\xca\xfe", b"\x13\x37\xf0\x01")
_discovery = re.compile(rb"\0[\1\2]\0\x46[\s\S]{4}[0-9a-fA-F.:]{0,63}\0+[\s\S]{2}\Z").match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Discord."""
    return by_datagram("discord", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and a response; the other keep-alive."""
    return one[1:4] != other[1:4]


def _message(data: bytes) -> Evidence:
    if (len(data) == 8 and data.startswith(_KEEP_ALIVES)) or (len(data) == 74 and _discovery(data)):
        return {}
    return NO
