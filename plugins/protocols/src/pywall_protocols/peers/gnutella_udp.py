"""Gnutella over UDP: messages, and those of its distributed table (Mojito).

:checked: the kind of the message, and its length, which the datagram must equal; an answer with the identifier of the
    request
:source: Gnutella 0.6 (RFC-Gnutella), section 2.2.1, and its UDP extension; LimeWire, Mojito (kind 0x44)
:minimum: one datagram of 23 bytes
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
    if not _is_message(first):
        return NO
    request = first[:_IDENTIFIER]
    answers = [each for each in datagrams(server, flow.server_sizes) if each[:_IDENTIFIER] == request]
    confirmed = bool(answers) and _is_message(answers[0])
    return Match("gnutella", {"message": KINDS[first[_IDENTIFIER]]}, confirmed, done=confirmed)


def _is_message(data: bytes) -> bool:
    if len(data) < _HEADER or data[_IDENTIFIER] not in KINDS or len(set(data[:_IDENTIFIER])) < 6:
        return False
    if int.from_bytes(data[19:_HEADER], "little") != len(data) - _HEADER:
        return False
    if data[_IDENTIFIER] == _DHT:
        return True  # a version follows the kind
    near = data[17] + data[18] <= _FARTHEST
    return near and (data[_IDENTIFIER] != 0 or len(data) <= _HEADER + _LONGEST_PING)
