"""Connections in the kernel: our marks taken off them, and what they carried, told at their end.

Formats: ``linux/netfilter/nfnetlink_conntrack.h``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .marks import Marks
from .netlink import NESTED, NETLINK_NETFILTER, Netlink, attribute, attributes, messages

_SUBSYSTEM: Final = 1 << 8
_NEW: Final = _SUBSYSTEM | 0
_GET: Final = _SUBSYSTEM | 1
_DELETE: Final = _SUBSYSTEM | 2
_TUPLE_ORIG: Final = 1
_TUPLE_REPLY: Final = 2
_PROTOCOL_STATE: Final = 4
_MARK: Final = 8
_COUNTERS_ORIG: Final = 9
_COUNTERS_REPLY: Final = 10
_ZONE: Final = 18
_MARK_MASK: Final = 21
_DESTROY_GROUP: Final = 3
#: enum tcp_conntrack: the handshake is done; both ends have closed, by FIN or by RST
_TCP_ESTABLISHED: Final = b"\x03"
_TCP_OVER: Final = (b"\x07", b"\x08")
_NETLINK_ADD_MEMBERSHIP: Final = 1
_SOL_NETLINK: Final = 270
_SO_RCVBUFFORCE: Final = 33
_FAMILIES: Final = (int(socket.AF_INET), int(socket.AF_INET6))
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
#: by protocol number: the type byte of an echo request, and the attribute of the identifier (type and code follow)
_ICMP: Final = {1: (b"\x08", 4), 58: (b"\x80", 7)}
#: conntrack counts packets and bytes only while this is 1 (kernel documentation, nf_conntrack-sysctl)
ACCOUNTING: Final = Path("/proc/sys/net/netfilter/nf_conntrack_acct")


def clear_marks(marks: Marks) -> int:
    """Clear our bits on every connection that carries the tag of ``marks``; other bits and connections stay as they
    are. Return how many there were."""
    ours = marks.ours
    only = attribute(_MARK, _U32.pack(ours.value)) + attribute(_MARK_MASK, _U32.pack(ours.mask))
    cleared = 0
    with Netlink() as lister, Netlink() as changer:
        for family in _FAMILIES:
            for _, data in lister.dump(_GET, family, only):
                fields = attributes(data)
                if _U32.unpack(fields.get(_MARK, bytes(4)))[0] & ours.mask != ours.value:
                    continue
                body = attribute(_TUPLE_ORIG | NESTED, fields[_TUPLE_ORIG])
                if _ZONE in fields:
                    body += attribute(_ZONE, fields[_ZONE])
                body += attribute(_MARK, bytes(4)) + attribute(_MARK_MASK, _U32.pack(marks.mask))
                try:
                    changer.request(_NEW, family, body)
                    cleared += 1
                except OSError:
                    continue  # the connection has ended meanwhile
    return cleared


def clear_mark(marks: Marks, key: bytes) -> bool:
    """Take our bits off the connection that packets with this key belong to. False when there is none."""
    family = _FAMILIES[len(key) > 13]
    body = attribute(_TUPLE_ORIG | NESTED, _tuple(key))
    body += attribute(_MARK, bytes(4)) + attribute(_MARK_MASK, _U32.pack(marks.mask))
    with Netlink() as netlink:
        try:
            netlink.request(_NEW, family, body)
        except OSError:
            return False
    return True


def keys() -> Iterator[bytes]:
    """Flow keys of every connection, in both directions."""
    with Netlink() as netlink:
        for family in _FAMILIES:
            for _, data in netlink.dump(_GET, family):
                connection = parse(data)
                if connection is not None:
                    yield connection.key
                    yield connection.reply_key


def key_pairs() -> Iterator[tuple[bytes, bytes]]:
    """Yield the flow keys of every connection: of the original and of the reply direction."""
    with Netlink() as netlink:
        for family in _FAMILIES:
            for _, data in netlink.dump(_GET, family):
                connection = parse(data)
                if connection is not None:
                    yield connection.key, connection.reply_key


@dataclass(frozen=True, slots=True)
class Connection:
    """What conntrack knows of one: ``key`` and ``reply_key`` as in ``Packet.key``, counters of both directions.

    With address translation ``reply_key`` is not the reverse of ``key``; counters are 0 where accounting is off.
    """

    key: bytes
    reply_key: bytes
    packets: int
    byte_count: int
    reply_packets: int
    reply_byte_count: int
    mark: int
    #: a TCP connection whose handshake is done and that nobody has begun to end
    established: bool = False
    #: a TCP connection that both ends have closed, or one has reset
    over: bool = False


class Lookup:
    """Asks for single connections."""

    def __init__(self) -> None:
        self._netlink = Netlink()

    def find(self, key: bytes) -> Connection | None:
        """Return the connection that packets with this key belong to, or None."""
        family = _FAMILIES[len(key) > 13]
        try:
            return parse(self._netlink.get(_GET, family, attribute(_TUPLE_ORIG | NESTED, _tuple(key))))
        except OSError:
            return None


class EndedConnections:
    """Connections as they end, told by the kernel (group NFNLGRP_CONNTRACK_DESTROY); needs CAP_NET_ADMIN."""

    def __init__(self, buffer: int = 1 << 20) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, NETLINK_NETFILTER
        )
        self._socket.bind((0, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _DESTROY_GROUP)
        #: how often the kernel had to leave some out, since nobody read in time
        self.lost = 0
        #: the last call came to its limit: more may wait
        self.behind = False

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def poll(self, limit: int = 50) -> Iterator[Connection]:
        """Those that ended since the last call, at most ``limit`` datagrams of them: packets wait meanwhile."""
        self.behind = True
        for _ in range(limit):
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                self.behind = False
                return
            except OSError:  # ENOBUFS
                self.lost += 1
                continue
            for kind, _sequence, body in messages(data):
                if kind == _DELETE:
                    ended = parse(body[4:])
                    if ended is not None:
                        yield ended


def parse(data: bytes) -> Connection | None:
    """Return the attributes of a conntrack message; None when it lacks the addresses."""
    fields = attributes(data)
    try:
        key, reply_key = _key(fields[_TUPLE_ORIG]), _key(fields[_TUPLE_REPLY])
        mark = _U32.unpack(fields.get(_MARK, bytes(4)))[0]
        packets, byte_count = _counters(fields.get(_COUNTERS_ORIG, b""))
        reply_packets, reply_byte_count = _counters(fields.get(_COUNTERS_REPLY, b""))
    except (KeyError, struct.error):
        return None
    state = _tcp_state(fields[_PROTOCOL_STATE]) if _PROTOCOL_STATE in fields else b""
    established, over = state == _TCP_ESTABLISHED, state in _TCP_OVER
    return Connection(key, reply_key, packets, byte_count, reply_packets, reply_byte_count, mark, established, over)


def _tcp_state(data: bytes) -> bytes:
    """Read CTA_PROTOINFO: of TCP it holds the state as ``enum tcp_conntrack`` of the kernel."""
    return attributes(attributes(data).get(1, b"")).get(1, b"")


def _key(data: bytes) -> bytes:
    """Return the flow key of a conntrack tuple: protocol, source, destination, ports (identifier of ICMP echo,
    twice).
    """
    parts = attributes(data)
    addresses, protocol = attributes(parts[1]), attributes(parts[2])
    source = addresses.get(1) or addresses[3]
    target = addresses.get(2) or addresses[4]
    if 2 in protocol:
        ports = protocol[2] + protocol[3]
    else:
        identifier = protocol.get(4) or protocol.get(7) or bytes(2)
        ports = identifier * 2
    return protocol[1] + source + target + ports


def _tuple(key: bytes) -> bytes:
    """Return the conntrack tuple of a flow key; the reverse of :func:`_key` for TCP, UDP and their like, and ICMP
    echo.
    """
    size = (len(key) - 5) // 2
    source, target = (1, 2) if size == 4 else (3, 4)
    addresses = attribute(source, key[1 : 1 + size]) + attribute(target, key[1 + size : 1 + 2 * size])
    protocol = attribute(1, key[:1])
    if key[0] in _ICMP:
        echo, of_identifier = _ICMP[key[0]]
        protocol += attribute(of_identifier, key[-4:-2]) + attribute(of_identifier + 1, echo)
        protocol += attribute(of_identifier + 2, b"\0")
    else:
        protocol += attribute(2, key[-4:-2]) + attribute(3, key[-2:])
    return attribute(1 | NESTED, addresses) + attribute(2 | NESTED, protocol)


def _counters(data: bytes) -> tuple[int, int]:
    fields = attributes(data)
    zero = bytes(8)
    return _U64.unpack(fields.get(1, zero))[0], _U64.unpack(fields.get(2, zero))[0]
