"""TeamViewer, by the first bytes of its messages.

:checked: over TCP a magic at the start of both sides, over UDP one behind a counter in two datagrams
:source: Wireshark wiki and ntop's documentation of nDPI; TeamViewer has published nothing
:minimum: 3 bytes of both sides; two datagrams of 14
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams, first_datagram, starts

api_version = 1
protocols = ("teamviewer",)
unseen = protocols
transport = ("tcp", "udp")
tier = "heuristic"
first_client = b"\0\x17"
first_server = None

_MAGIC: Final = b"\x17\x24"
_OTHER: Final = b"\x11\x30"
#: a datagram: zero, counters, magic
_AT: Final = 11
_WANTED: Final = 2


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect TeamViewer. What little is known of it is never confirmed."""
    if flow.proto == UDP:
        return _datagrams(flow, client, server)
    asked = starts(client[:2], _MAGIC) if client else MORE
    reply = starts(server[:2], _MAGIC, _OTHER) if server else MORE
    if asked is NO or reply is NO:
        return NO
    return Match("teamviewer", confirmed=False) if len(client) > 2 and len(server) > 2 else MORE


def _datagrams(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    for number, packet in enumerate(datagrams(client, flow.client_sizes), 1):
        if not _is_message(packet):
            return NO
        if number == _WANTED or _is_message(first_datagram(server, flow.server_sizes)):
            return Match("teamviewer", confirmed=False)
    return MORE


def _is_message(packet: bytes) -> bool:
    return len(packet) >= _AT + 3 and not packet[0] and packet[_AT : _AT + 2] == _MAGIC
