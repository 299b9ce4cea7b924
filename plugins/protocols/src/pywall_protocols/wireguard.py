"""WireGuard, by the sizes and headers of its four messages.

:checked: handshake initiation (type 1, 148 octets), response (type 2, 92), cookie reply (type 3, 64), or two data
    messages of one receiver with small counters (type 4, 16 n octets); the three reserved octets are zero. A padded
    initiation needs a response to its sender index
:source: WireGuard whitepaper (Donenfeld, 2020) section 5.4
:minimum: one handshake message, or two data messages of 32 octets
:facts: client.sender, server.sender
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from .wire import datagrams, first_datagram, two_sided

protocols = ("wireguard",)
transport = "udp"
first_client = first_server = b"\1\2\3\4"

INITIATION: Final = b"\1\0\0\0"
RESPONSE: Final = b"\2\0\0\0"
DATA: Final = b"\4\0\0\0"
_SIZES: Final = {INITIATION: 148, RESPONSE: 92, b"\3\0\0\0": 64}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise WireGuard."""
    first = first_datagram(client, flow.client_sizes)
    reply = first_datagram(server, flow.server_sizes)
    padded = len(first) >= _SIZES[INITIATION] and len(reply) >= _SIZES[RESPONSE]
    if padded and first[:4] == INITIATION and reply[:4] == RESPONSE and reply[8:12] == first[4:8]:
        return Match("wireguard", {"client.sender": first[4:8].hex(), "server.sender": reply[4:8].hex()})
    answer = two_sided("wireguard", _says(first, client, flow.client_sizes), _says(reply, server, flow.server_sizes))
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {}
    for side, packet in (("client", first), ("server", reply)):
        if packet[:4] in (INITIATION, RESPONSE):
            facts[f"{side}.sender"] = packet[4:8].hex()
    return Match("wireguard", facts, answer.confirmed, answer.done)


def _says(packet: bytes, data: bytes, sizes: tuple[int, ...]) -> Answer:
    """What one side's datagrams, of which ``packet`` is the first, are."""
    if not packet:
        return MORE
    kind = packet[:4]
    if kind != DATA:
        size = _SIZES.get(kind, len(packet) + 1)
        return YES if len(packet) == size else MORE if len(packet) > size else NO
    packets = list(datagrams(data, sizes))[:2]
    for each in packets:
        if each[:8] != packet[:8] or len(each) < 32 or len(each) % 16 or each[12:16] != bytes(4):
            return NO
    return YES if len(packets) > 1 else MORE
