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
#: the action "connect" of an answer, before the transaction that it belongs to
_CONNECTED: Final = b"\0\0\0\0"
_DICTIONARY: Final = 0x64
_END_OF_HANDSHAKE: Final = 68
_LEAST_DIFFERING: Final = 6
_DEEPEST: Final = 8
_whole = re.compile(rb"i-?\d{1,20}e").match
_string = re.compile(rb"(\d{1,5}):").match
_numbered = re.compile(rb"1:t(\d{1,2}):").search
_bencoded = re.compile(rb"d(?:1:|2:(?:ip|ro)\w)", re.DOTALL).match
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
    """Two peers want one torrent, and have identifiers of their own, most of which is drawn (BEP 3, BEP 20)."""
    if len(client) < _END_OF_HANDSHAKE or len(server) < _END_OF_HANDSHAKE or client[28:48] != server[28:48]:
        return False
    differing = sum(one != other for one, other in zip(client[48:68], server[48:68], strict=True))
    return differing >= _LEAST_DIFFERING


def _belong(one: bytes, other: bytes) -> bool:
    """A question and an answer or an error with its number (BEP 5), each up to its last byte."""
    asks, answers = _kind(one), _kind(other)
    if asks is None or answers is None or asks[1] != b"q" or answers[1] == b"q":
        return False
    number = _number(one)
    return (
        bool(number)
        and number == _number(other)
        and all(_end_of_value(each, 0) == len(each.rstrip(b"\r\n")) for each in (one, other))
    )


def _number(message: bytes) -> bytes:
    """Return the number that a message has, nothing where it has none."""
    found = _numbered(message)
    return message[found.end() : found.end() + int(found[1])] if found else b""


def _end_of_value(data: bytes, at: int, depth: int = 0) -> int:
    """Return where the bencoded value at ``at`` ends, -1 where there is none."""
    kind = data[at : at + 1]
    if kind == b"i":
        whole = _whole(data, at)
        return whole.end() if whole else -1
    if kind not in (b"d", b"l"):
        size = _string(data, at)
        end = size.end() + int(size[1]) if size else -1
        return end if end <= len(data) else -1
    at += 1
    while data[at : at + 1] != b"e":
        if depth >= _DEEPEST:
            return -1
        if kind == b"d" and not data[at : at + 1].isdigit():
            return -1
        for _ in range(2 if kind == b"d" else 1):
            at = _end_of_value(data, at, depth + 1)
            if at < 0:
                return -1
    return at + 1


def _table_message(data: bytes) -> Evidence:
    if data[0] != _DICTIONARY or not _bencoded(data) or data.rstrip(b"\r\n")[-1:] != b"e" or not _kind(data):
        return NO
    return {"message": "dht"}


def _handshake(data: bytes) -> Evidence:
    begins = starts(data, _HANDSHAKE)
    return {"message": "peer"} if begins is YES else begins
