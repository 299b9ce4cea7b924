"""Minecraft (Java edition): the handshake, and the server's first packet.

:checked: length, packet number, a version, the server's name as text, a port and the next state; a packet of the server
    whose length and number fit that state
:source: Minecraft Wiki, Java Edition protocol: Handshaking, Status, Login; the request of old clients
:minimum: 8 bytes
:facts: host, version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import text

api_version = 1
protocols = ("minecraft",)
transport = "tcp"
tier = "structural"
first_client = bytes(range(7, 128))
first_server = None

_STATUS: Final = 1
_NEXT_STATES: Final = (1, 2, 3)
_LONGEST_NAME: Final = 120


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Minecraft."""
    return by_request("minecraft", _handshake, _answers, flow, client, server)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return the variable-length number at ``at`` and where it ends; -1 where it is cut off, -2 where it goes on."""
    value = 0
    for step in range(3):
        if at + step >= len(data):
            return -1, at
        value |= (data[at + step] & 0x7F) << 7 * step
        if not data[at + step] & 0x80:
            return value, at + step + 1
    return -2, at


def _handshake(data: bytes) -> Evidence:
    size = data[0]
    if data[1:2] not in (b"", b"\0"):
        return NO
    version, at = _number(data, 2)
    if version < 0:
        return MORE if version == -1 else NO
    if at >= len(data):
        return MORE
    length = data[at]
    end = at + 1 + length + 3
    if not 1 <= length <= _LONGEST_NAME or end != size + 1:
        return NO
    name = data[at + 1 : at + 1 + length]
    if not name.split(b"\0")[0].isascii() or not name.split(b"\0")[0].decode().isprintable():
        return NO
    if len(data) < end:
        return MORE
    return {"host": text(name.split(b"\0")[0]), "version": version} if data[end - 1] in _NEXT_STATES else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    """Return YES for a status, which is JSON. What answers a login is too little to tell."""
    if request[request[0]] != _STATUS:
        return NO
    size, at = _number(answer, 0)
    if size < 0 or len(answer) <= at:
        return NO if size == -2 else MORE
    length, begin = _number(answer, at + 1)
    if answer[at] or length == -2:
        return NO
    if length < 0 or len(answer) <= begin:
        return MORE
    return YES if begin - at + length == size and answer[begin] == ord("{") else NO
