"""Omron FINS: programmable controllers, over UDP and TCP.

:checked: the control field, reserved byte, gateway count and a known command; over TCP the magic, a length and a
    command
:source: Omron W342 (FINS commands), section 3-2; W421 (Ethernet units), section 7-4 (FINS over TCP)
:minimum: the first datagram, 12 bytes; over TCP 16
:facts: command
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.wire import starts, u16, u32

api_version = 1
protocols = ("omron",)
transport = ("udp", "tcp")
tier = "structural"
#: with a gateway; command or response; answer wanted or not
_CONTROLS: Final = (0x80, 0x81, 0xC0, 0xC1)
first_client = bytes(_CONTROLS) + b"F"
first_server = first_client

_RESPONSE: Final = 0x40
_MAX_GATEWAYS: Final = 7
_MAX_NETWORK: Final = 127
#: memory, parameters, programs, operation, configuration, status, clock, messages, access, errors, files, debugging
_COMMANDS: Final = {
    0x01: range(1, 6),
    0x02: range(1, 4),
    0x03: range(4, 9),
    0x04: range(1, 4),
    0x05: range(1, 3),
    0x06: range(1, 0x22),
    0x07: range(1, 3),
    0x09: range(0x20, 0x21),
    0x0C: range(1, 4),
    0x21: range(1, 4),
    0x22: range(1, 0x16),
    0x23: range(1, 3),
}
_MAX_TCP_LENGTH: Final = 4096
_MAX_TCP_COMMAND: Final = 6


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect FINS."""
    if flow.proto == UDP:
        return by_datagram("omron", _datagram, flow, client, server, _belong)
    proved = belonging(client, server, 16, _size, _stream, _follows)
    return by_stream("omron", _stream, client, server, proved=proved)


def _size(data: bytes) -> int:
    return 8 + u32(data, 4)


def _belong(one: bytes, other: bytes) -> bool:
    """A command and a response, of which the control byte says that it is one."""
    return (one[0] ^ other[0]) & _RESPONSE != 0


def _follows(one: bytes, other: bytes) -> bool:
    """A node that asks for an address is told one; behind them a command and a response."""
    if one[8:12] != other[8:12]:
        return True
    return min(len(one), len(other)) > 16 and _belong(one[16:], other[16:])


def _datagram(data: bytes) -> Evidence:
    if len(data) < 12 or data[0] not in _CONTROLS or data[1] or data[2] > _MAX_GATEWAYS:
        return NO
    if max(data[3], data[6]) > _MAX_NETWORK or data[11] not in _COMMANDS.get(data[10], ()):
        return NO
    return {"command": f"0x{u16(data, 10):04x}"}


def _stream(data: bytes) -> Evidence:
    begins = starts(data, b"FINS\0\0")
    if begins is not YES:
        return begins
    if len(data) < 16:
        return MORE
    return {} if 8 <= u32(data, 4) <= _MAX_TCP_LENGTH and u32(data, 8) <= _MAX_TCP_COMMAND else NO
