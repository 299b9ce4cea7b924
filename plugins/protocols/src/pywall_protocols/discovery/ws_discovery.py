"""WS-Discovery: SOAP over UDP, by which devices and services are found.

:checked: an XML envelope that names the namespace of WS-Discovery and one of its messages
:source: OASIS WS-Discovery 1.1 sections 1.4, 4 to 7; the draft of 2005
:minimum: one datagram
:facts: message
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import text

api_version = 1
protocols = ("ws-discovery",)
unseen = protocols
transport = "udp"
tier = "exact"
first_client = b"<\xef"
first_server = None

_NAMESPACES: Final = (
    b"http://schemas.xmlsoap.org/ws/2005/04/discovery",
    b"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01",
)
_MESSAGE: Final = re.compile(rb"/(Hello|Bye|ProbeMatches|ProbeMatch|Probe|ResolveMatches|ResolveMatch|Resolve)\s*<")
#: bytes of a datagram that are looked through
_LOOKED_AT: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect WS-Discovery."""
    return by_datagram("ws-discovery", _message, flow, client, server)


def _message(data: bytes) -> Evidence:
    head = data[:_LOOKED_AT]
    if not head.removeprefix(b"\xef\xbb\xbf").startswith(b"<") or not any(name in head for name in _NAMESPACES):
        return NO
    found = _MESSAGE.search(head)
    return {"message": text(found[1])} if found else NO
