"""Gnutella: peers' handshake.

:checked: ``GNUTELLA CONNECT/`` or ``GNUTELLA/`` and a version
:source: Gnutella 0.6 (RFC-Gnutella), section 2.1
:minimum: 11 bytes
:facts: none
"""

from __future__ import annotations

from pywall_core.api import YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream
from ..parsing.wire import starts

api_version = 1
protocols = ("gnutella",)
transport = "tcp"
tier = "exact"
first_client = b"G"
first_server = b"G"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Gnutella."""
    return by_stream("gnutella", _handshake, client, server)


def _handshake(data: bytes) -> Evidence:
    begins = starts(data, b"GNUTELLA CONNECT/0.", b"GNUTELLA/0.", b"GNUTELLA PROBE")
    return {} if begins is YES else begins
