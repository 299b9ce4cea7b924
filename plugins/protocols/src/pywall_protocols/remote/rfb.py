"""Remote Framebuffer (VNC), by the protocol versions of both sides.

:checked: ``RFB ddd.ddd`` and a line feed
:source: RFC 6143 section 7.1.1
:minimum: 12 bytes
:facts: server_protocol_version, client_protocol_version
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, goes_on, greetings, server_first
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("rfb",)
transport = "tcp"
tier = "exact"
speaks_first = "server"
first_client = b"R"
first_server = b"R"

_VERSION: Final = re.compile(rb"RFB (\d{3}\.\d{3})\n")
_SHAPE: Final = b"RFB 000.000\n"
_describe: Final = greetings(_VERSION, "protocol_version")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RFB."""
    proved = goes_on(client, server, len(_SHAPE))  # most speak one version
    return server_first(
        "rfb", _side(client), _side(server), _describe, client, server, silent=not server, proved=proved
    )


pywall_transactions = watch_for_tls


def _side(data: bytes) -> Evidence:
    if len(data) >= 12:
        return YES if _VERSION.match(data) else NO
    shape = bytes(ord("0") if 48 <= byte <= 57 and at in (4, 5, 6, 8, 9, 10) else byte for at, byte in enumerate(data))
    return MORE if _SHAPE.startswith(shape) else NO
