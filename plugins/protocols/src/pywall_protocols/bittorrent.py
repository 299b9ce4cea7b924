"""BitTorrent: peers over TCP, the distributed hash table, local discovery, and UDP trackers (``bt-tracker``).

:checked: the handshake's beginning over TCP; over UDP a bencoded dictionary with the kind of a message, ``BT-SEARCH``,
    or a tracker's connect request
:source: BEP 3 (peers), 5 (hash table), 14 (local discovery), 15 (trackers)
:minimum: 20 octets; over UDP the first datagram
:facts: message
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from .exchange import Said, by_stream
from .wire import starts

protocols = ("bittorrent", "bt-tracker")
transport = ("tcp", "udp")
first_client = b"\x13Bd\0"
first_server = None

_HANDSHAKE: Final = b"\x13BitTorrent protocol"
_SEARCH: Final = b"BT-SEARCH * HTTP/1.1\r\n"
_TRACKER: Final = b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0"
_bencoded = re.compile(rb"d(?:1:|2:(?:ip|ro)\w)", re.DOTALL).match
_kind = re.compile(rb"1:y1:([qre])").search


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise BitTorrent."""
    if flow.proto != UDP:
        return by_stream("bittorrent", _handshake, client, server)
    if not client:
        return MORE
    data = client[: flow.client_sizes[0]]
    if data[0] == 0x64:
        kind = _kind(data) if _bencoded(data) and data.rstrip(b"\r\n")[-1:] == b"e" else None
        return Match("bittorrent", {"message": "dht"}) if kind else NO
    if data.startswith(_SEARCH):
        return Match("bittorrent", {"message": "lsd"})
    return Match("bt-tracker") if len(data) >= 16 and data.startswith(_TRACKER) else NO


def _handshake(data: bytes) -> Said:
    begins = starts(data, _HANDSHAKE)
    return {"message": "peer"} if begins is YES else begins
