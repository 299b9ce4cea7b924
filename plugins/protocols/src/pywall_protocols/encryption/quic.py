"""QUIC v1, v2 and the drafts, and Google's before it, by long headers; the Initial is opened for its ClientHello.

That needs ``cryptography``; without it QUIC is detected all the same, with its version alone.

:checked: a long header with a known version and connection ids of at most 20 bytes, or a reserved version that the
    other side answers with Version Negotiation, a list of known or invented ones; an opening of 1200 bytes in a version
    that nobody knows, or a shorter one that is answered in it or refused by its ids; gQUIC's public header with a
    version, or without one a message of its handshake. Confirmed when the client's Initial opens and the server sends
    to the id that it names, an Initial that opens as well
:source: RFC 9000 sections 15, 17; RFC 9001 section 5; RFC 9369; RFC 8999; draft-ietf-quic-transport; Chromium's
    net/quic (Q0xx, T0xx)
:minimum: 7 bytes of the first datagram; 13 of gQUIC
:facts: version, sni, sni_changed, client_alpns, ech, ja3.hash, ja3.string, ja4
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, Transaction, TransactionParser, hookimpl

from ..parsing import ciphers, quic_chlo, quic_initial
from ..parsing.copies import is_copy
from ..parsing.quic_header import (
    INITIAL,
    RETRY,
    Header,
    is_initial,
    long_header,
    opens,
    packet_type,
    packets,
    refuses,
    version_name,
)
from ..parsing.wire import datagrams, first_datagram, u32
from ..transactions.quic_hellos import QuicHellos, follow

api_version = 1
protocols = ("quic",)
transport = "udp"
tier = "exact"
_GQUIC: Final = bytes(n for n in range(0x40) if n & 0x09 == 0x09)  # with version and connection id
first_client = bytes(range(0x80, 0x100)) + _GQUIC + bytes(n for n in range(0x40) if not n & 0x03)
first_server = None

#: Bytes of a packet number, by the flags.
_NUMBERS: Final = (1, 2, 4, 6)
#: Messages of gQUIC's handshake, bytes of an acknowledgement and a frame's head before them.
_MESSAGES: Final = (b"CHLO", b"REJ\0", b"SREJ")
_BEFORE_MESSAGE: Final = 96
#: the number of a server's packet that may have overtaken the client's, and its bytes: what it refuses fills a packet
_EARLY: Final = 16
_LEAST_EARLY: Final = 1200

#: Datagrams of the server in which the end of the handshake's beginning is looked for.
_MOST_COMPARED: Final = 32
#: ids of the client with whose keys a server's Initial is opened (its first, behind a Retry the server's, and those of
#: what else came before), and packets of a datagram
_MOST_IDS: Final = 4
_MOST_PACKETS: Final = 4


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect QUIC."""
    first = first_datagram(client, flow.client_sizes)
    reply = first_datagram(server, flow.server_sizes)
    asked = long_header(first)
    answered = long_header(reply) if reply else None
    if asked is answered is None:
        return _gquic(first, reply)
    version = None if asked is None else version_name(asked.version)
    if version is None:
        version = None if answered is None else version_name(answered.version)
        if version is None:
            return _unheard_of(first, asked, reply, answered)
        if answered is not None and answered.version:  # else RFC 9000 section 6.3: a version made up to be refused
            asked = None
    facts: dict[str, Any] = {"version": version}
    if version[0] == "Q":
        facts.update(quic_chlo.facts(first))
    hellos = _hellos(client, flow.client_sizes) if ciphers.AVAILABLE else ()
    hello = hellos[-1] if hellos else None
    facts.update(hello or {})
    confirmed = asked is not None and answered is not None and _answers(asked, answered)
    confirmed = confirmed and (hello is not None or not ciphers.AVAILABLE)
    if confirmed and answered is not None and answered.initial and quic_initial.is_readable(answered.version):
        asked_headers = [long_header(datagram) for datagram in datagrams(client, flow.client_sizes)]
        ids = dict.fromkeys(header.dcid for header in asked_headers if header is not None)
        confirmed = _is_opened(reply, tuple(islice(ids, _MOST_IDS)))
    # behind a Retry or a HelloRetryRequest another ClientHello comes: RFC 9000 section 17.2.5, RFC 9001 section 4.7
    done = confirmed and _keys_agreed(list(datagrams(server, flow.server_sizes)))
    return Match("quic", facts, confirmed, done)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Read every ClientHello."""
    return follow(flow)


def begins_again(datagram: bytes) -> bool:
    """Return whether a datagram is a client's Initial for sure: servers pass over what was sent before it."""
    several, _ = packets(datagram)
    return any(
        header.initial and quic_initial.open_initial(packet, header, header.dcid) is not None
        for packet, header in several
    )


def _keys_agreed(packets: list[bytes]) -> bool:
    """Return True if a datagram of the server begins with a packet that only comes behind both hellos: no Initial, no
    Retry.
    """
    for packet in packets[:_MOST_COMPARED]:
        header = long_header(packet)
        if header is None or header.version == 0 or not ciphers.AVAILABLE or version_name(header.version) is None:
            return True
        if packet_type(packet, header) not in (INITIAL, RETRY):
            return True
    return False


def _answers(asked: Header, answered: Header) -> bool:
    """The server sends to the connection id that the client chose (RFC 9000 section 7.2), or echoes its only one."""
    return answered.dcid == (asked.scid or asked.dcid if asked.version >> 24 in b"QT" else asked.scid)


@lru_cache(maxsize=64)
def _is_opened(reply: bytes, ids: tuple[bytes, ...]) -> bool:
    """Return True if the server's Initial opens with the keys of one of the ids that the client sent to: those of its
    first, or behind a Retry of the one that the server gave (RFC 9001 section 5.2).

    Some answers are kept: a detector is asked again for each datagram, and the keys are dear.
    """
    several, _ = packets(reply)
    return any(
        header.initial and quic_initial.open_initial(packet, header, dcid, by_server=True) is not None
        for packet, header in several[:_MOST_PACKETS]
        for dcid in ids
    )


def _unheard_of(first: bytes, asked: Header | None, reply: bytes, answered: Header | None) -> Match | Answer:
    """Decide about an opening in a version that nobody knows, or that was made up to be refused: both sides agree."""
    if asked is None or not is_initial(first, asked):
        return NO if first else MORE
    agreed = answered is not None and answered.version == asked.version and answered.dcid == asked.scid
    if agreed or refuses(reply, asked) or opens(first, asked):
        return Match("quic", {"version": f"0x{asked.version:08x}"}, confirmed=agreed, done=bool(reply))
    return NO if reply else MORE


def _gquic(first: bytes, reply: bytes) -> Match | Answer:
    """Decide about a public header: flags, connection id, version; without a version a message of the handshake."""
    name = _public_version(first)
    if name is None and (name := _public_version(reply)) is not None:  # the server's packet was seen first
        first, reply = reply, first
    if name is not None:
        facts = {"version": name}
        facts.update(quic_chlo.facts(first))
        confirmed = bool(reply) and reply[0] & 0xC8 == 0x08 and reply[1:9] == first[1:9] and not is_copy(first, reply)
        return Match("quic", facts, confirmed, done=bool(reply))
    if _has_message(first) or _has_message(reply):
        return Match("quic", quic_chlo.facts(first), confirmed=False, done=bool(first and reply))
    return MORE if not first or (not reply and _answers_early(first)) else NO


def _answers_early(packet: bytes) -> bool:
    """Return True if a packet may be one of a server's first, seen before what it answers."""
    at = 9 if packet[0] & 8 else 1
    return len(packet) >= _LEAST_EARLY and not packet[0] & 0xC7 and packet[at] <= _EARLY


def _public_version(packet: bytes) -> str | None:
    """Return the version that a client's public header names."""
    if len(packet) < 13 or packet[0] not in _GQUIC:
        return None
    name = version_name(u32(packet, 9))
    return name if name is not None and name[0] in "QT" else None


def _has_message(packet: bytes) -> bool:
    """Return True if a packet of gQUIC without a version has a message of the handshake in its first frames.

    Such packets are not encrypted: behind the number is a hash of 12 bytes, then frames.
    """
    if not packet or packet[0] & 0xC3:
        return False
    at = 13 + (8 if packet[0] & 8 else 0) + _NUMBERS[packet[0] >> 4]
    found = (packet.find(tag, at, at + _BEFORE_MESSAGE) for tag in _MESSAGES)
    return any(place >= 0 and quic_chlo.is_table(packet, place) for place in found)


@lru_cache(maxsize=64)
def _hellos(client: bytes, sizes: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    """Return the facts of every ClientHello in a client's datagrams, in order (read-only).

    Some answers are kept: a detector is asked again when the server has answered, and the keys are dear.
    """
    parser = QuicHellos()
    steps = [step for packet in datagrams(client, sizes) for step in parser.feed(True, packet)]
    return tuple([step.facts for step in steps if isinstance(step, Transaction) and step.facts])
