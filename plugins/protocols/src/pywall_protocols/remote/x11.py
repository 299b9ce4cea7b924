"""X Window System, by the connection set-up.

:checked: byte order, protocol 11.0 and the padded authorization fields; the server's answer of the same version
:source: X Window System Protocol, Version 11, section 8 and appendix B
:minimum: 12 bytes of the client, or 8 of both
:facts: none
"""

from __future__ import annotations

from typing import Any

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, WEAK, Evidence, client_first

api_version = 1
protocols = ("x11",)
transport = "tcp"
tier = "exact"
first_client = b"Bl"
first_server = b"\0\1\2"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect X11."""
    return client_first("x11", _client(client), _server(server))


def _client(data: bytes) -> Evidence:
    if data[:1] not in (b"", b"B", b"l"):
        return NO
    order: Any = "big" if data[:1] == b"B" else "little"
    fields = [int.from_bytes(data[at : at + 2], order) for at in range(2, min(len(data) - 1, 10), 2)]
    if fields[:2] not in ([], [11], [11, 0]):
        return NO
    if len(data) < 12:
        return MORE
    return YES if fields[2] <= 256 and fields[3] <= 1024 and not any(data[10:12]) else NO


def _server(data: bytes) -> Evidence:
    if len(data) < 8:
        return WEAK if data[:1] in (b"", b"\0", b"\1", b"\2") else NO
    if data[0] == 2:  # Authenticate: nothing else of its first 8 bytes is fixed
        return WEAK
    return HINT if data[0] <= 1 and data[2:6] in (b"\0\x0b\0\0", b"\x0b\0\0\0") else NO
