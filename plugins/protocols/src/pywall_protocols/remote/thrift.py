"""Apache Thrift, strict binary protocol, framed or not, and compact protocol with a frame.

:checked: version, message type and a method name of its length
:source: Thrift specification: Binary protocol encoding (strict), Compact protocol encoding, framed transport
:minimum: 8 bytes and the method name
:facts: method
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Description, Evidence, client_first
from ..parsing.wire import text, u32

api_version = 1
protocols = ("thrift",)
transport = "tcp"
tier = "exact"
first_client = b"\0\x80"
first_server = b"\0\x80"

_NAME: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Thrift."""
    return client_first("thrift", _side(client, b"\1\4"), _side(server, b"\2\3"), _describe, client, server)


def _describe(client: bytes, server: bytes) -> Description:
    return Description({"method": text(_name(client))})


def _start(data: bytes) -> int:
    """Return where the message begins: behind the length of a frame, or at once."""
    return 4 if data[:1] == b"\0" else 0


def _name(data: bytes) -> bytes:
    at = _start(data)
    if data[at] == 0x82:
        return data[at + 4 : at + 4 + data[at + 3]]
    return data[at + 8 : at + 8 + u32(data, at + 4)]


def _side(data: bytes, kinds: bytes) -> Evidence:
    if not data:
        return MORE
    at = _start(data)
    if len(data) < at + 8:
        head = data[at : at + 4]
        return MORE if b"\x80\x01\0".startswith(head[:3]) or head[:1] == b"\x82" else NO
    if at and not 8 <= u32(data, 0) <= 1 << 24:
        return NO
    if data[at] == 0x82:
        if not at or data[at + 1] & 0x1F != 1 or data[at + 1] >> 5 not in kinds:
            return NO
        size = data[at + 3]
    elif data[at : at + 3] == b"\x80\x01\0" and data[at + 3] in kinds:
        size = u32(data, at + 4)
    else:
        return NO
    if not 1 <= size <= 128:
        return NO
    name = _name(data)
    if name.translate(None, _NAME):
        return NO
    return YES if len(name) == size else MORE
