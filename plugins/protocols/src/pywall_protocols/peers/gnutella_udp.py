"""Gnutella over UDP: messages, and those of its distributed table (Mojito).

:checked: the tag and number of a part; or the kind of the message, and its length, which the datagram must equal; an
    answer with the identifier of the request
:source: Gnutella 0.6 (RFC-Gnutella), section 2.2.1, and its UDP extension; LimeWire, Mojito (kind 0x44); gtk-gnutella,
    doc/gnutella/udp (parts)
:minimum: one datagram of 8 bytes
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams, first_datagram

api_version = 1
protocols = ("gnutella",)
transport = "udp"
tier = "structural"
first_client = None
first_server = None

KINDS: Final = {
    0x00: "ping",
    0x01: "pong",
    0x02: "bye",
    0x30: "route-table-update",
    0x31: "vendor",
    0x32: "vendor",
    0x40: "push",
    0x44: "dht",
    0x80: "query",
    0x81: "query-hit",
}
_DHT: Final = 0x44
_IDENTIFIER: Final = 16
_HEADER: Final = 23
#: gtk-gnutella's transport beneath the messages: header, longest acknowledgement, flags that are used
_TAGS: Final = (b"GND", b"GTA")
_PART: Final = 8
_ACKNOWLEDGEMENT: Final = 12
_FLAGS: Final = 0x1F
#: time to live and hops together, beyond which servents drop a message
_FARTHEST: Final = 15
#: payload of a ping at most: extensions
_LONGEST_PING: Final = 512


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Gnutella over UDP."""
    first = first_datagram(client, flow.client_sizes)
    if not first:
        return MORE
    if _is_part(first):
        answered = _is_part(first_datagram(server, flow.server_sizes))
        return Match("gnutella", {"message": "part"}, answered, done=answered)
    if not _is_message(first):
        return NO
    request = first[:_IDENTIFIER]
    answers = [each for each in datagrams(server, flow.server_sizes) if each[:_IDENTIFIER] == request]
    confirmed = bool(answers) and answers[0] != first and _is_message(answers[0])
    return Match("gnutella", {"message": KINDS[first[_IDENTIFIER]]}, confirmed, done=confirmed)


def _is_part(data: bytes) -> bool:
    """Semi-reliable UDP: tag, flags, sequence number, which part of how many; an acknowledgement has no parts."""
    if len(data) < _PART or data[:3] not in _TAGS or data[3] & ~_FLAGS:
        return False
    return 1 <= data[6] <= data[7] if data[7] else len(data) <= _ACKNOWLEDGEMENT


def _is_message(data: bytes) -> bool:
    if len(data) < _HEADER or data[_IDENTIFIER] not in KINDS or len(set(data[:_IDENTIFIER])) < 6:
        return False
    if int.from_bytes(data[19:_HEADER], "little") != len(data) - _HEADER:
        return False
    if data[_IDENTIFIER] == _DHT:
        return True  # a version follows the kind
    near = 1 <= data[17] + data[18] <= _FARTHEST
    return near and (data[_IDENTIFIER] != 0 or len(data) <= _HEADER + _LONGEST_PING)
