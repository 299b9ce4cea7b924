"""Secure Shell, by the identification strings.

:checked: a line ``SSH-2.0-software`` (or 1.x) in either direction, of printable US-ASCII; the server's may come after
    other lines
:source: RFC 4253 section 4.2
:minimum: 8 octets
:facts: client.proto_version, client.software_version, server.proto_version, server.software_version
"""

from __future__ import annotations

from pywall_core.api import Answer, Flow, Match, hookimpl

from .wire import starts, two_sided

protocols = ("ssh",)
transport = "tcp"
first_client = None
first_server = None


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise SSH."""
    return two_sided("ssh", starts(client, b"SSH-2.0-"), starts(server, b"SSH-2.0-"))
