"""BitTorrent: peers over TCP, the distributed hash table, local discovery, and UDP trackers (``bt-tracker``).

:checked: the handshake's beginning over TCP; over UDP a bencoded dictionary with the kind of a message, ``BT-SEARCH``,
    or a tracker's connect request
:source: BEP 3 (peers), 5 (hash table), 14 (local discovery), 15 (trackers)
:minimum: 20 bytes; over UDP the first datagram
:facts: message
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import differing
from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.wire import starts

api_version = 1
protocols = ("bittorrent", "bt-tracker")
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\x13Bd\0"
first_server = None

_HANDSHAKE: Final = b"\x13BitTorrent protocol"
_SEARCH: Final = b"BT-SEARCH * HTTP/1.1\r\n"
_TRACKER: Final = b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0"
_CONNECT: Final = 16
#: end of a handshake, and bytes of the peers' identifiers, most of which are drawn, that differ
_HANDSHAKE_END, _LEAST_DRAWN = 68, 5
#: the action "connect" of an answer, before the transaction that it belongs to
_CONNECTED: Final = b"\0\0\0\0"
_DICTIONARY: Final = 0x64
_bencoded = re.compile(rb"d(?:1:|2:(?:ip|ro)\w)", re.DOTALL).match
_number = re.compile(rb"1:t(\d{1,2}:[\s\S]{1,32}?)1:[vy]").search
_kind = re.compile(rb"1:y1:([qre])").search


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect BitTorrent."""
    if flow.proto != UDP:
        return by_stream("bittorrent", _handshake, client, server, proved=_are_peers(client, server))
    if not client:
        return MORE
    data = client[: flow.client_sizes[0]]
    if data.startswith(_SEARCH):
        return Match("bittorrent", {"message": "lsd"}, confirmed=False)
    if not data.startswith(_TRACKER):
        return by_datagram("bittorrent", _table_message, flow, client, server, _belong)
    if len(data) < _CONNECT:
        return NO
    connected = server[:8] == _CONNECTED + data[12:16]
    return Match("bt-tracker", confirmed=connected, done=bool(server))


def _are_peers(client: bytes, server: bytes) -> bool:
    """Two peers want one torrent, and have identifiers of their own (BEP 3, BEP 20)."""
    if len(client) < _HANDSHAKE_END or len(server) < _HANDSHAKE_END or client[28:48] != server[28:48]:
        return False
    return differing(client[48:68], server[48:68]) >= _LEAST_DRAWN


def _belong(one: bytes, other: bytes) -> bool:
    """A question, and an answer or an error with its number (BEP 5)."""
    kinds, numbers = (_kind(one), _kind(other)), (_number(one), _number(other))
    asks = kinds[0] is not None and kinds[1] is not None and kinds[0][1] == b"q" != kinds[1][1]
    return asks and numbers[0] is not None and numbers[1] is not None and numbers[0][1] == numbers[1][1]


def _table_message(data: bytes) -> Evidence:
    if data[0] != _DICTIONARY or not _bencoded(data) or data.rstrip(b"\r\n")[-1:] != b"e" or not _kind(data):
        return NO
    return {"message": "dht"}


def _handshake(data: bytes) -> Evidence:
    begins = starts(data, _HANDSHAKE)
    return {"message": "peer"} if begins is YES else begins
