"""WireGuard, by the sizes and headers of its four messages.

:checked: handshake initiation (type 1, 148 bytes), response (type 2, 92), cookie reply (type 3, 64), or two data
    messages of one receiver, or one of each side, with small counters (type 4, 16 n bytes); the three reserved bytes
    are zero. An initiation that is padded, or whose reserved bytes are not zero (Cloudflare's WARP), needs a response
    to its sender index with the same ones
:source: WireGuard whitepaper (Donenfeld, 2020) section 5.4
:minimum: one handshake message, or two data messages of 32 bytes
:facts: client.sender, server.sender
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import HINT, LEANING, Description, Evidence, client_first
from ..parsing.wire import datagrams, first_datagram

api_version = 1
protocols = ("wireguard",)
transport = "udp"
tier = "exact"
first_client = first_server = b"\1\2\3\4"

INITIATION: Final = b"\1\0\0\0"
RESPONSE: Final = b"\2\0\0\0"
DATA: Final = b"\4\0\0\0"
COOKIE: Final = b"\3\0\0\0"
_SIZES: Final = {INITIATION: 148, RESPONSE: 92, COOKIE: 64}
#: datagrams of a side that are looked at
_MOST: Final = 8


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect WireGuard."""
    first = first_datagram(client, flow.client_sizes)
    reply = first_datagram(server, flow.server_sizes)
    if _answers(first, reply):
        return Match("wireguard", _describe(first, reply).facts)
    asked, response = _says(first, client, flow.client_sizes), _says(reply, server, flow.server_sizes)
    if asked is YES and first[0] == 3:  # nobody begins with a cookie reply, but a DNS query may look like one
        asked = HINT
    proved = not (first[:1] == reply[:1] and is_copy(first, reply)) and _belong_together(
        list(islice(datagrams(client, flow.client_sizes), _MOST)),
        list(islice(datagrams(server, flow.server_sizes), _MOST)),
    )
    return client_first("wireguard", asked, response, _describe, first, reply, proved=proved)


def _describe(first: bytes, reply: bytes) -> Description:
    facts: dict[str, Any] = {}
    for side, packet in (("client", first), ("server", reply)):
        if packet[:1] in (b"\1", b"\2") and len(packet) >= _SIZES[RESPONSE]:
            facts[f"{side}.sender"] = packet[4:8].hex()
    return Description(facts)


def _belong_together(client: list[bytes], server: list[bytes]) -> bool:
    """Return True if a message is for the sender of a handshake message of the other side, or none was seen."""
    told = [_indices(packets) for packets in (client, server)]
    (client_sends, client_names), (server_sends, server_names) = told
    return not (client_sends or server_sends) or bool(client_sends & server_names or server_sends & client_names)


def _indices(packets: list[bytes]) -> tuple[set[bytes], set[bytes]]:
    """Return the sender indices of one side's handshake messages, and the receiver indices of all its messages."""
    senders = {packet[4:8] for packet in packets if packet[:4] in (INITIATION, RESPONSE)}
    receivers = {packet[8:12] for packet in packets if packet[:4] == RESPONSE}
    return senders, receivers | {packet[4:8] for packet in packets if packet[:4] in (COOKIE, DATA)}


def _answers(first: bytes, reply: bytes) -> bool:
    """Return True if the reply is the response to the initiation, whatever else is in both."""
    sizes = len(first) >= _SIZES[INITIATION] and len(reply) >= _SIZES[RESPONSE]
    return sizes and first[:1] + reply[:1] == b"\1\2" and first[1:4] == reply[1:4] and reply[8:12] == first[4:8]


def _says(packet: bytes, data: bytes, sizes: tuple[int, ...]) -> Evidence:
    """Return what one side's datagrams, of which ``packet`` is the first, are."""
    if not packet:
        return MORE
    kind = packet[:4]
    if kind != DATA:
        size = _SIZES.get(kind, 0)
        if len(packet) == size:
            return YES
        padded = size and len(packet) > size
        return MORE if padded or (kind[0] == 1 and len(packet) == _SIZES[INITIATION]) else NO
    if not _is_data(packet, packet):
        return NO
    packets = list(datagrams(data, sizes))
    return LEANING if len(packets) < 2 else YES if _is_data(packets[1], packet) else HINT


def _is_data(each: bytes, first: bytes) -> bool:
    """A data message for the receiver of the ``first``."""
    return each[:8] == first[:8] and len(each) >= 32 and len(each) % 16 == 0 and each[12:16] == bytes(4)
