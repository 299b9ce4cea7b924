"""collectd's network plugin: measurements on their way to a server.

:checked: parts that fill the datagram, each of a known type and at least four bytes, texts of them ended by a zero
:source: collectd wiki, Binary protocol
:minimum: the first datagram, 9 bytes
:facts: host
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import cut, text, u16

api_version = 1
protocols = ("collectd",)
transport = "udp"
tier = "exact"
first_client = b"\0\1\2"
first_server = None

_HOST: Final = 0
_TEXTS: Final = (_HOST, 2, 3, 4, 5, 0x0100)
_NUMBERS: Final = (1, 7, 8, 9, 0x0101)
_VALUES: Final = 6
#: signature (HMAC, user) before the parts it covers; encryption (user, IV, hash) around all
_SIGNATURE: Final = 0x0200
_ENCRYPTION: Final = 0x0210


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect collectd."""
    return by_beacon("collectd", _message, flow, client)


def _message(data: bytes) -> Evidence:
    size = len(data)
    facts: dict[str, Any] = {}
    at = parts = 0
    while at + 4 <= size:
        kind, length = u16(data, at), u16(data, at + 2)
        end = at + length
        if length < 5 or end > size:
            return NO
        if kind in _TEXTS:
            if data[end - 1] or 0 in cut(data, at + 4, end - 1):
                return NO
            if kind == _HOST:
                facts["host"] = text(cut(data, at + 4, end - 1))
        elif kind in _NUMBERS:
            if length != 12:
                return NO
        elif kind == _VALUES:
            if length < 6 or length != 6 + 9 * u16(data, at + 4):
                return NO
        elif kind == _ENCRYPTION:
            return {} if end == size and length > 42 and u16(data, at + 4) < length - 42 else NO
        elif kind != _SIGNATURE:
            return NO
        at = end
        parts += 1
    return facts if at == size and parts > 1 else NO
