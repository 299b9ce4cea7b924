"""Packets of an interface, on a socket that a test feeds: what is passed on, what is passed over, what was lost."""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from typing import Any

import pytest

from pywall_core.sources import interface
from pywall_core.sources.interface import PACKET_HOST, PACKET_OUTGOING, Interface, Seen

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806


class FakeSocket:
    """An AF_PACKET socket; a pipe wakes the poller. ``unprivileged``: SO_RCVBUFFORCE is refused."""

    unprivileged = False

    def __init__(self, *kind: int) -> None:
        self.kind = kind
        self._readable, self._writable = os.pipe()
        self.waiting: deque[Any] = deque()
        self.options: list[tuple[int, int, int]] = []
        self.bound: Any = None
        self.closed = False
        self.losses = 0

    def put(self, *arrivals: Any) -> None:
        for one in arrivals:
            self.waiting.append(one)
            os.write(self._writable, b".")

    def fileno(self) -> int:
        return self._readable

    def recvfrom(self, size: int) -> Any:
        os.read(self._readable, 1)
        one = self.waiting.popleft()
        if isinstance(one, OSError):
            raise one
        return one

    def setsockopt(self, level: int, name: int, value: int) -> None:
        if self.unprivileged and name == interface._SO_RCVBUFFORCE:
            raise PermissionError(1, "not permitted")
        self.options.append((level, name, value))

    def getsockopt(self, level: int, name: int, size: int) -> bytes:
        return struct.pack("II", 100, self.losses)

    def bind(self, where: Any) -> None:
        if where[0] == "absent0":
            raise OSError(19, "No such device")
        self.bound = where

    def close(self) -> None:
        self.closed = True
        os.close(self._readable)
        os.close(self._writable)


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[FakeSocket]:
    """The sockets that were made, in order."""
    made: list[FakeSocket] = []

    def make(*kind: int) -> FakeSocket:
        made.append(FakeSocket(*kind))
        return made[-1]

    monkeypatch.setattr(interface.socket, "socket", make)
    return made


def test_ip_packets_come_with_their_interface_and_others_do_not(sockets: list[FakeSocket]) -> None:
    with Interface() as source:
        (fake,) = sockets
        fake.put(
            (b"\x45one", ("eth0", IPV4, PACKET_HOST, 1, b"")),
            (b"arp", ("eth0", ARP, PACKET_HOST, 1, b"")),
            (b"\x60two", ("lo", IPV6, PACKET_OUTGOING, 772, b"")),
        )
        packets = source.packets(idle=0.0)
        seen = [next(packets) for _ in range(2)]
        assert [(one.data, one.interface, one.kind) for one in seen if isinstance(one, Seen)] == [
            (b"\x45one", "eth0", PACKET_HOST),
            (b"\x60two", "lo", PACKET_OUTGOING),
        ]
        assert next(packets) is None, "nothing more has come"
        assert fake.bound is None, "no name: all interfaces"
    assert fake.closed


def test_an_interface_that_goes_down_is_waited_for(sockets: list[FakeSocket]) -> None:
    with Interface("eth0") as source:
        (fake,) = sockets
        assert fake.bound == ("eth0", 3)
        fake.put(OSError(100, "Network is down"), (b"\x45", ("eth0", IPV4, PACKET_HOST, 1, b"")))
        packets = source.packets()
        assert next(packets) is None
        assert next(packets) is not None


def test_the_buffer_is_as_large_as_the_rights_allow(sockets: list[FakeSocket], monkeypatch: pytest.MonkeyPatch) -> None:
    for unprivileged, option in ((False, interface._SO_RCVBUFFORCE), (True, socket.SO_RCVBUF)):
        monkeypatch.setattr(FakeSocket, "unprivileged", unprivileged)
        with Interface():
            assert [name for _, name, _ in sockets[-1].options] == [option]


def test_an_interface_that_is_not_there_leaves_no_socket_open(sockets: list[FakeSocket]) -> None:
    with pytest.raises(OSError, match="No such device"):
        Interface("absent0")
    assert sockets[0].closed


def test_what_the_kernel_dropped_is_counted(sockets: list[FakeSocket]) -> None:
    with Interface() as source:
        sockets[0].losses = 7
        assert source.lost() == 7
