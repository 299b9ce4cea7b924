"""Beckhoff ADS: automation devices over AMS/TCP, and their discovery over UDP.

:checked: the lengths of both headers, which agree, a known command and its state flags; of discovery its magic
:source: Beckhoff Information System, TwinCAT ADS, AMS/TCP packet and AMS header
:minimum: 38 bytes; of discovery 12
:facts: command
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_datagram, by_stream

api_version = 1
protocols = ("ams",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\0\3"
first_server = first_client

_HEADER: Final = 32
_tcp_header = Struct("<HI").unpack_from
_ams_header = Struct("<HHI").unpack_from
_DISCOVERY: Final = b"\3\x66\x14\x71\0\0\0\0"
_COMMANDS: Final = range(10)
_STATE_FLAGS: Final = 0x01FF
_ADS: Final = 0x0004


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ADS."""
    if flow.proto == UDP:
        return by_datagram("ams", _discovery, flow, client, server, _is_found)
    proved = belonging(client, server, 6 + _HEADER, _size, _message, _belong)
    return by_stream("ams", _message, client, server, proved=proved)


def _size(data: bytes) -> int:
    return 6 + int.from_bytes(data[2:6], "little")


def _belong(one: bytes, other: bytes) -> bool:
    """A request and a response: the lowest of the state flags."""
    return one[22:24] == other[22:24] and (one[24] ^ other[24]) & 1 != 0


def _is_found(one: bytes, other: bytes) -> bool:
    """The highest bit of the service says that a device answers."""
    return (one[11] ^ other[11]) & 0x80 != 0


def _discovery(data: bytes) -> Evidence:
    return {} if len(data) >= 12 and data[:4] == _DISCOVERY[:4] and data[10:12] == b"\0\0" else NO


def _message(data: bytes) -> Evidence:
    if data[:2].strip(b"\0"):
        return NO
    if len(data) < 6 + _HEADER:
        return MORE
    _, length = _tcp_header(data)
    command, flags, size = _ams_header(data, 22)
    holds = length == size + _HEADER and command in _COMMANDS and flags & _ADS and not flags & ~_STATE_FLAGS
    return {"command": command} if holds else NO
