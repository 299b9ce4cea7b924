"""WebSocket: what follows an upgrade, or frames of text whose opening was not seen.

:checked: behind an HTTP upgrade, the headers of the frames seen, masked by the client, plain from the server; else the
    first frame of both sides is a whole text message in UTF-8, masked on one side and plain on the other
:source: RFC 6455 sections 5.2, 5.3
:minimum: one text frame of each side
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.wire import cut, u16
from ..transactions.websocket import follow

api_version = 1
protocols = ("websocket",)
transport = "tcp"
tier = "structural"
#: opcodes with FIN and RSV1 (RFC 7692) as a first frame may have them
first_client = first_server = bytes(
    fin | rsv | code for fin in (0, 0x80) for rsv in (0, 0x40) for code in (1, 2, 8, 9, 10)
)

#: Bytes of the longest message that is looked at.
LONGEST: Final = 8192
_MASKED: Final = 0x80
#: Frames whose headers are looked at.
MOST_FRAMES: Final = 32
_OPCODES: Final = frozenset({0, 1, 2, 8, 9, 10})


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect WebSocket."""
    if flow.facts.get("http.upgrade") == "websocket":
        return _upgraded(client, server)
    if (client[:1] or b"\x81") != b"\x81" or (server[:1] or b"\x81") != b"\x81":
        return NO
    if len(client) > 1 and len(server) > 1 and not (client[1] ^ server[1]) & _MASKED:
        return NO
    sides = (_says(client), _says(server))
    if NO in sides:
        return NO
    return MORE if MORE in sides else Match("websocket")


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow the frames: for what they carry, and for what begins inside."""
    return follow(flow)


def _upgraded(client: bytes, server: bytes) -> Match | Answer:
    """Grade the frames that follow an upgrade, which both sides have proved: one side's frames are enough."""
    sides = (_frames(client, masked=True), _frames(server, masked=False))
    if NO in sides:
        return NO
    if YES not in sides:
        return MORE
    return Match("websocket", done=sides[0] is sides[1], decisive=True)


def _frames(data: bytes, *, masked: bool) -> Answer:
    """YES when the headers of all frames that ``data`` has are well formed (RFC 6455 section 5.2), MORE for none."""
    at = seen = 0
    while at + 2 <= len(data) and seen < MOST_FRAMES:
        first, second = data[at], data[at + 1]
        length, size = second & 0x7F, 2
        if first & 0x30 or first & 0x0F not in _OPCODES or bool(second & _MASKED) != masked:
            return NO
        if length > 125:
            size = 4 if length == 126 else 10
            if at + size > len(data):
                break
            length = int.from_bytes(cut(data, at + 2, at + size), "big")
            if length < 126 or (size == 10 and not 0xFFFF < length < 1 << 32):
                return NO
        at += size + 4 * masked + length
        seen += 1
    return YES if seen else MORE


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
        shown = bytes(byte ^ key[n & 3] for n, byte in enumerate(message)).decode()
    except UnicodeDecodeError:
        return NO
    return None if shown.isprintable() or shown.strip().replace("\n", "").replace("\r", "").isprintable() else NO
