"""Packets of a network interface, without touching them: an AF_PACKET socket (packet(7)). Needs CAP_NET_RAW.

SOCK_DGRAM: the kernel takes the link layer's header off, VLAN tags too, so every packet begins with its IP header.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from time import time
from typing import Final

#: linux/if_ether.h
_ETH_P_ALL: Final = 3
_IP_PROTOCOLS: Final = frozenset({0x0800, 0x86DD})
#: linux/if_packet.h
PACKET_HOST, PACKET_OTHERHOST, PACKET_OUTGOING = 0, 3, 4
_PACKET_STATISTICS: Final = 6
_SOL_PACKET: Final = 263
#: asm-generic/socket.h; the kernel's name of the option is SO_RCVBUFFORCE
_SO_RCVBUFFORCE: Final = 33
_RECEIVE_BUFFER: Final = 16 << 20
#: an IP packet at most, also of a network card that joins segments
_LARGEST: Final = 1 << 18
_TWO_NUMBERS: Final = Struct("II")


@dataclass(slots=True, frozen=True)
class Seen:
    """One packet: seconds since 1970, bytes from the IP header on, the interface, and ``PACKET_...`` of packet(7)."""

    time: float
    data: bytes
    interface: str
    kind: int


class Interface:
    """A socket on one interface, or on all (empty name). A context manager.

    :raises PermissionError: CAP_NET_RAW is missing
    :raises OSError: there is no such interface
    """

    def __init__(self, name: str = "") -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        try:
            if name:
                self._socket.bind((name, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Interface:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def packets(self, idle: float = 0.1) -> Iterator[Seen | None]:
        """Return IP packets as they come, and None whenever ``idle`` seconds went by without one. Never ends."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        wait = int(idle * 1000)
        while True:
            if not poller.poll(wait):
                yield None
                continue
            try:
                data, (interface, protocol, kind, *_) = self._socket.recvfrom(_LARGEST)
            except OSError:  # ENETDOWN: the interface is down, and may come up again
                yield None
                continue
            if protocol in _IP_PROTOCOLS:
                yield Seen(time(), data, interface, kind)

    def lost(self) -> int:
        """Return how many packets the kernel dropped since the last call, for want of room in the socket's buffer."""
        _, lost = _TWO_NUMBERS.unpack(self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _TWO_NUMBERS.size))
        return int(lost)
