"""TP-Link's smart home devices, over UDP and TCP.

:checked: a JSON object when the bytes are decrypted by their running exclusive or, over TCP behind its length
:source: softScheck, Reverse Engineering the TP-Link HS110 (2016)
:minimum: the first datagram; over TCP 12 bytes
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.wire import u32

api_version = 1
protocols = ("tplink-smarthome",)
transport = ("udp", "tcp")
tier = "exact"
first_client = b"\xd0\0"
first_server = b"\xd0\0"

_KEY: Final = 171
_SHOWN: Final = 32
_MAX_LENGTH: Final = 1 << 16
_object = re.compile(rb'\{(?:"[\w.]+":[ \t]*[{\["\d]|\})').match
_printable = re.compile(rb"[\t\n\r -~]+\Z").match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect TP-Link's smart home devices."""
    if flow.proto == UDP:
        return by_datagram("tplink-smarthome", _command, flow, client, server)
    return by_stream("tplink-smarthome", _stream, client, server)


def _stream(data: bytes) -> Evidence:
    if data[0] or (len(data) > 1 and data[1]):
        return NO
    if len(data) < 4:
        return MORE
    length = u32(data, 0)
    if not 2 <= length <= _MAX_LENGTH or (len(data) > 4 and data[4] != 0xD0):
        return NO
    return _command(data[4 : 4 + length]) if len(data) >= 4 + min(length, _SHOWN) else MORE


def _command(data: bytes) -> Evidence:
    if data[1:2] not in (b"\xf2", b"\xad"):  # behind the brace a quotation mark, or the other brace
        return NO
    shown = data[:_SHOWN]
    plain = bytes(a ^ b for a, b in zip(shown, bytes([_KEY]) + shown, strict=False))
    return {} if _object(plain) and _printable(plain) else NO
