"""OpenVPN over UDP and TCP, by the resets that open a session, or by packets of a later part.

Static-key mode has no marker at all and cannot be told from noise by its content.

:checked: P_CONTROL_HARD_RESET (client v1, v2, v3; server v1, v2): opcode, key id 0, session id, a size that fits plain
    TLS, tls-auth (HMACs of 16 to 64 bytes), tls-crypt or tls-crypt-v2 (wrapped key and its length), the replay
    protection's packet id and time, no acknowledgement from the client, one of its session from the server. Mid-stream
    control packets that acknowledge the other side's session, or three of one session or peer id with rising
    packet ids (control with tls-crypt, data v2); over TCP three chained packets of data v1 with one key, of both sides
:source: draft-openvpn-wire-protocol sections 3 and 4; OpenVPN doc/doxygen/doc_protocol_overview.h, doc/tls-crypt-v2.txt
:minimum: the first packet of either side: 14 bytes plain, 16 over TCP
:facts: mode, client.session_id, server.session_id
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, NamedTuple

from pywall_core.api import MORE, NO, TCP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import alike
from ..parsing.wire import datagrams, distinct, first_datagram, u16, u32

api_version = 1
protocols = ("openvpn",)
transport = ("tcp", "udp")
tier = "exact"

SOFT_RESET, CONTROL, ACK, DATA_V1, DATA_V2, CONTROL_WKC = 3, 4, 5, 6, 9, 11
RESETS_BY_CLIENT: Final = (0x08, 0x38, 0x50)  # opcode << 3, key id 0
RESETS_BY_SERVER: Final = (0x10, 0x40)
_RESETS: Final = frozenset((*RESETS_BY_CLIENT, *RESETS_BY_SERVER))
#: Bytes of the HMACs that tls-auth may use: MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
HMACS: Final = (16, 20, 28, 32, 48, 64)
#: Bytes of the largest reset: tls-crypt-v2 allows 1024 for the wrapped key.
LONGEST_RESET: Final = 1100
_CRYPT_HMAC: Final = 32
_HEAD: Final = 9  # opcode and session id
_MOST_ZEROS: Final = 2  # of a random session id's bytes; one in 100 000 has more
_REPLAY: Final = 8  # packet id and time
_CLIENT_TAIL: Final = bytes(5)  # no acknowledgements, message 0
_SERVER_TAIL: Final = 17  # one acknowledgement, its message, the client's session, message 0
_MOST_RESETS: Final = 4096  # that a client sends before it is answered
_NEITHER: Final = (b"", 0, b"-")
_TIMES: Final = range(1_000_000_000, 1 << 31)  # seconds since 1970

#: bytes of a packet over TCP, beyond resets: an authenticated ping, and a tunnel's packet of 1500 with its wrapping
_SHORTEST: Final = 22
_LONGEST: Final = 1700
_MOST_CHAINED: Final = 4
_CHAINED: Final = bytes(n for n in range(256) if n >> 3 in (SOFT_RESET, CONTROL, ACK, DATA_V1, DATA_V2, CONTROL_WKC))
_MIDWAY: Final = bytes(n for n in range(256) if n >> 3 in (SOFT_RESET, CONTROL, ACK, DATA_V2, CONTROL_WKC))
#: Over TCP a packet begins with its length, of which the longest needs the bytes 0 to 6.
first_client = first_server = bytes(range(7)) + bytes((*RESETS_BY_CLIENT, *RESETS_BY_SERVER)) + _MIDWAY


class Reset(NamedTuple):
    """A hard reset: how control packets are protected, its session, and the session it acknowledges, where visible."""

    mode: str
    session: bytes
    echoed: bytes
    by_client: bool


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OpenVPN."""
    if flow.proto == TCP:
        client_says, sent = _first_over_tcp(client)
        server_says, received = _first_over_tcp(server)
        if flow.midstream and sent is None and received is None and NO in (client_says, server_says):
            return _midway_over_tcp(client, server)
    else:
        client_says, sent = _first(first_datagram(client, flow.client_sizes))
        server_says, received = _first(first_datagram(server, flow.server_sizes))
        if sent is None and received is None:
            first = first_datagram(client, flow.client_sizes)
            if first and not _midway_packet(first)[0]:
                return NO
            return _midway(
                list(distinct(datagrams(client, flow.client_sizes))),
                list(distinct(datagrams(server, flow.server_sizes))),
            )
    answer = alike("openvpn", client_says, server_says)
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {}
    for reset in (received, sent):
        if reset is not None:
            facts["mode"] = reset.mode
            facts["client.session_id" if reset.by_client else "server.session_id"] = reset.session.hex()
    confirmed = False
    if sent is not None and received is not None:
        confirmed = sent.by_client != received.by_client
        for one, other in ((sent, received), (received, sent)):
            confirmed = confirmed and one.echoed in (b"", other.session)
    return Match("openvpn", facts, confirmed, done=answer.done)


def _first(packet: bytes) -> tuple[Answer, Reset | None]:
    """Return what a side's first packet says; MORE while there is none."""
    if not packet:
        return MORE, None
    reset = _reset(packet)
    return (YES, reset) if reset is not None else (NO, None)


def _first_over_tcp(data: bytes) -> tuple[Answer, Reset | None]:
    """Return the same of a side's first packet with its length before it."""
    size = len(data)
    if size < 3:
        return MORE, None
    length = u16(data, 0)
    if not 14 <= length <= LONGEST_RESET or data[2] not in _RESETS:
        return NO, None
    if size < 2 + length:
        return MORE, None
    return _first(data[2 : 2 + length])


def _reset(packet: bytes) -> Reset | None:
    """Return the hard reset that ``packet`` is, if it is one in all its fields."""
    size = len(packet)
    by_client = packet[0] in RESETS_BY_CLIENT
    if size < 14 or not (by_client or packet[0] in RESETS_BY_SERVER):
        return None
    session = packet[1:_HEAD]
    if session.count(0) > _MOST_ZEROS:
        return None
    if packet[0] == 0x50:
        wrapped = size - _HEAD - _REPLAY - _CRYPT_HMAC - len(_CLIENT_TAIL)
        fits = wrapped > 2 and _replay_fits(packet, _HEAD) and u16(packet, size - 2) == wrapped
        return Reset("tls-crypt-v2", session, b"", by_client) if fits else None
    tail = len(_CLIENT_TAIL) if by_client else _SERVER_TAIL
    extra = size - _HEAD - tail
    if by_client:
        plain, echoed = packet[-5:] == _CLIENT_TAIL, b""
    else:
        plain, echoed = extra >= 0 and packet[-17:-12] == b"\1\0\0\0\0" and packet[-4:] == bytes(4), packet[-12:-4]
    if plain and extra == 0:
        return Reset("tls", session, echoed, by_client)
    if plain and extra - _REPLAY in HMACS and 0 < u32(packet, _HEAD + extra - _REPLAY) < _MOST_RESETS:
        return Reset("tls-auth", session, echoed, by_client)
    opaque = extra - _REPLAY - _CRYPT_HMAC  # a server may add what it negotiates early
    if (opaque == 0 or (not by_client and 4 < opaque <= 64)) and _replay_fits(packet, _HEAD):
        return Reset("tls-crypt", session, b"", by_client)
    return None


def _replay_fits(packet: bytes, at: int) -> bool:
    """A packet id of a session's beginning (tls-crypt-v2 counts from a high one) and a time from 2001 to 2038."""
    number = u32(packet, at)
    return 0 < number & 0xFFFF < _MOST_RESETS and number >> 16 in (0, 0x0A01, 0x0F00) and u32(packet, at + 4) in _TIMES


def _midway_over_tcp(client: bytes, server: bytes) -> Match | Answer:
    """Grade the packets, each behind its length, of a connection whose beginning was not seen."""
    sides: list[list[bytes]] = []
    for data in (client, server):
        packets: list[bytes] = []
        at = 0
        while at + 3 <= len(data) and len(packets) < _MOST_CHAINED:
            size = u16(data, at)
            if not _SHORTEST <= size <= _LONGEST or data[at + 2] not in _CHAINED:
                return NO
            if at + 2 + size > len(data):
                break
            packets.append(data[at + 2 : at + 2 + size])
            at += 2 + size
        sides.append(packets)
    kinds = {packet[0] for packets in sides for packet in packets}
    if not any(kind >> 3 == DATA_V1 for kind in kinds):
        return _midway(*sides)
    if len(kinds) > 1:
        return NO
    return Match("openvpn", {}, confirmed=False, done=False) if all(sides) and len(sides[0] + sides[1]) > 2 else MORE


def _midway(to_server: list[bytes], to_client: list[bytes]) -> Match | Answer:
    """Grade datagrams of a session whose beginning was not seen."""
    fits = True
    proved = []
    sessions = set()
    echoes = set()
    for packets in (to_server, to_client):
        own: bytes = b""
        numbers = []
        for packet in packets[:4]:
            session, number, echoed = _midway_packet(packet)
            if not session or session != (own or session):
                fits = False
                break
            own = session
            echoes.add(echoed)
            if number:
                numbers.append(number)
        sessions.add(own)
        proved.append(len(numbers) > 2 and all(0 < b - a < 64 for a, b in pairwise(numbers[:3])))
    acknowledged = bool(sessions & echoes)
    if acknowledged or any(proved):
        confirmed = all(proved) or (acknowledged and fits and bool(to_server and to_client))
        return Match("openvpn", {}, confirmed)
    return MORE if fits else NO


def _midway_packet(packet: bytes) -> tuple[bytes, int, bytes]:
    """Session (or peer id), replay number and acknowledged session of a control packet or data packet v2; or neither.

    The number is 0 and the echo empty where the packet has none.
    """
    opcode, size = packet[0] >> 3, len(packet)
    if opcode == DATA_V2:
        number = u32(packet, 4) if size >= 24 else 0
        fits = 0 < number < 1 << 24 and number & 0xFFFF != 0  # not the counts of a DNS query
        return (packet[:4], number, b"-") if fits else _NEITHER
    session = packet[1:_HEAD]
    if opcode not in (SOFT_RESET, CONTROL, ACK, CONTROL_WKC) or size < 22 or session.count(0) > _MOST_ZEROS:
        return _NEITHER
    if _replay_fits(packet, _HEAD) and size >= _HEAD + _REPLAY + _CRYPT_HMAC:
        return session, u32(packet, _HEAD), b"-"
    for at in (_HEAD, *(_HEAD + length + _REPLAY for length in HMACS)):
        if at >= size:
            break
        acknowledged = packet[at]
        end = at + 1 + acknowledged * 4 + (8 if acknowledged else 0)
        fits = end == size if opcode == ACK else end + 4 <= size and u32(packet, end) < 0x10000
        if acknowledged <= 8 and fits and (at == _HEAD or _replay_fits(packet, at - _REPLAY)):
            return session, 0, packet[end - 8 : end] if acknowledged else b"-"
    return _NEITHER
