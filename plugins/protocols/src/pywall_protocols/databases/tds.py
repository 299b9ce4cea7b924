"""Tabular Data Stream (Microsoft SQL Server, Sybase), by the packet header and the first message's own structure.

:checked: packet type, status, length and window; the option table of PRELOGIN, the version in LOGIN7, the record of a
    Sybase login; in an open connection the headers or UTF-16 text of a batch or call; the first token of a reply
:source: MS-TDS sections 2.2.3.1, 2.2.6 and 2.2.7; TDS 5.0 Functional Specification
:minimum: 13 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.evidence import HINT, Evidence, client_first
from ..parsing.wire import cut, u16
from ..transactions.tds import follow

api_version = 1
protocols = ("tds",)
transport = "tcp"
tier = "structural"
first_client = b"\x01\x02\x03\x0e\x0f\x10\x12"
first_server = b"\x04"

_TOKENS: Final = bytes.fromhex("797c7881a0a1a4a5a7a8a9aaabacadaeafd1d2d3d7e2e3e5e6e9ecedeefdfeff")
#: ALL_HEADERS of one transaction descriptor: total length 22, header length 18, type 2
_ALL_HEADERS: Final = b"\x16\0\0\0\x12\0\0\0\x02\0"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect TDS."""
    return client_first("tds", _client(client), _server(server))


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Find where TLS begins."""
    return follow(flow)


def _header(data: bytes) -> Evidence:
    """Return what the packet header says: MORE when it is well or not all there."""
    if len(data) > 1 and data[1] & ~0x1D:
        return NO
    return MORE if len(data) < 8 or (u16(data, 2) >= 9 and data[7] == 0) else NO


def _client(data: bytes) -> Evidence:
    if _header(data) is NO:
        return NO
    if len(data) < 9:
        return MORE
    size = u16(data, 2)
    if len(data) < min(size, 18):
        return MORE
    kind, body = data[0], cut(data, 8, size)
    if kind == 2:
        if size != 512:
            return NO
        if len(data) < 39:
            return MORE
        return YES if data[38] <= 30 and not any(cut(data, 8 + data[38], 38)) else NO
    if kind in (0x10, 0x12):
        if len(body) < 10:
            return NO
        return YES if (_options(body) if kind == 0x12 else _login(body)) else NO
    if body.startswith(_ALL_HEADERS) or (kind == 1 and _utf16(body[:8])):
        return YES
    if kind == 3 and 0 < body[0] <= 128 and _utf16(body[2:10]):
        return YES
    return NO if kind == 1 else HINT


def _login(body: bytes) -> bool:
    """Return True if LOGIN7 begins with its length and a version of TDS 7."""
    return int.from_bytes(body[:4], "little") <= 0x20000 and 0x70 <= body[7] <= 0x75


def _options(body: bytes) -> bool:
    """Return True if the option table of PRELOGIN begins with VERSION, whose offset and length fit."""
    return body[0] == 0 and 6 <= u16(body, 1) <= 512 and u16(body, 3) == 6


def _utf16(data: bytes) -> bool:
    """Some characters of ASCII in UTF-16LE."""
    low, high = data[::2], data[1::2]
    return len(high) >= 4 and not any(high) and all(byte >= 32 or byte in b"\t\r\n" for byte in low) and low.isascii()


def _server(data: bytes) -> Evidence:
    if _header(data) is NO:
        return NO
    if len(data) < 9:
        return MORE
    if data[8] == 0:
        if len(data) < 13:
            return MORE
        return YES if _options(data[8:]) else NO
    return HINT if data[8] in _TOKENS else NO
