"""WebSocket whose opening handshake was not seen; one that was is ``http`` with the fact ``http.upgrade``.

:checked: the first frame of both sides is a whole text message in UTF-8, masked on one side and plain on the other
:source: RFC 6455 sections 5.2, 5.3
:minimum: one text frame of each side
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import u16

api_version = 1
protocols = ("websocket",)
transport = "tcp"
tier = "structural"
first_client = first_server = b"\x81"

#: Octets of the longest message that is looked at.
LONGEST: Final = 8192
_MASKED: Final = 0x80


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise WebSocket."""
    if len(client) > 1 and len(server) > 1 and not (client[1] ^ server[1]) & _MASKED:
        return NO
    sides = (_says(client), _says(server))
    if NO in sides:
        return NO
    return MORE if MORE in sides else Match("websocket")


def _says(data: bytes) -> Answer | None:
    """None for a text message."""
    if len(data) < 4:
        return MORE
    length, at = data[1] & 0x7F, 2
    if length == 126:
        length, at = u16(data, 2), 4
    if not 0 < length <= LONGEST:
        return NO
    key = data[at : at + 4] if data[1] & _MASKED else b"\0\0\0\0"
    at += 4 if data[1] & _MASKED else 0
    if len(data) < at + length:
        return MORE
    message = data[at : at + length]
    try:
        shown = bytes(octet ^ key[n & 3] for n, octet in enumerate(message)).decode()
    except UnicodeDecodeError:
        return NO
    return None if shown.isprintable() or shown.strip().replace("\n", "").replace("\r", "").isprintable() else NO
