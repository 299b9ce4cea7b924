"""Netlink messages by struct: netfilter's subsystems need four dozen lines of it, not a library.

Formats: ``linux/netlink.h``, ``linux/netfilter/nfnetlink.h``. Header fields are in the host's byte order, what
attributes of netfilter hold is in network order.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

NETLINK_NETFILTER: Final = 12
REQUEST: Final = 1
ACK: Final = 4
DUMP: Final = 0x300
#: for deletions, ``linux/netlink.h``: refuse what is still in use
NONREC: Final = 0x100
CREATE: Final = 0x400
NESTED: Final = 0x8000
#: the value is in network order, and says so
NETWORK_ORDER: Final = 0x4000
_ERROR: Final = 2
_DONE: Final = 3
_TYPE_MASK: Final = 0x3FFF
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_RECEIVE: Final = 1 << 17


def message(kind: int, flags: int, family: int, body: bytes = b"", *, resource: int = 0, sequence: int = 0) -> bytes:
    """Return an nfnetlink message: ``kind`` is subsystem << 8 | message type, ``resource`` the queue number where one
    is.
    """
    size = _HEADER.size + 4 + len(body)
    head = _HEADER.pack(size, kind, flags, sequence, 0)
    return head + struct.pack(">BBH", family, 0, resource) + body


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute with its padding."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by type; what is malformed ends the reading."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < 4 or at + size > len(data):
            break
        found[kind & _TYPE_MASK] = data[at + 4 : at + size]
        at += (size + 3) & ~3
    return found


def messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, sequence number and what follows the header, of each message of a datagram."""
    at = 0
    while at + _HEADER.size <= len(data):
        size, kind, _flags, sequence, _pid = _HEADER.unpack_from(data, at)
        if size < _HEADER.size or at + size > len(data):
            break
        yield kind, sequence, data[at + _HEADER.size : at + size]
        at += (size + 3) & ~3


def _raise_error(body: bytes) -> None:
    (code,) = struct.unpack_from("=i", body)
    if code:
        raise OSError(-code, os.strerror(-code))


class Netlink:
    """A netfilter socket for requests. Errors of the kernel are OSError."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.settimeout(5.0)
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(self, kind: int, family: int, body: bytes = b"", *, flags: int = 0) -> None:
        """Ask for a change and wait for the acknowledgement."""
        self._sequence += 1
        self.batch([message(kind, REQUEST | ACK | flags, family, body, sequence=self._sequence)], self._sequence)

    def batch(self, parts: list[bytes], last: int) -> None:
        """Send messages together and wait until the one with sequence number ``last`` is answered, or any failed."""
        self._socket.send(b"".join(parts))
        while True:
            for kind, sequence, body in messages(self._socket.recv(_RECEIVE)):
                if kind == _ERROR:
                    _raise_error(body)
                    if sequence == last:
                        return

    def dump(self, kind: int, family: int, body: bytes = b"") -> Iterator[tuple[int, bytes]]:
        """Everything that a request lists: address family and attributes of each."""
        self._sequence += 1
        self._socket.send(message(kind, REQUEST | DUMP, family, body, sequence=self._sequence))
        while True:
            for answer, sequence, content in messages(self._socket.recv(_RECEIVE)):
                if sequence != self._sequence:
                    continue
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    _raise_error(content)
                    return
                yield content[0], content[4:]

    def get(self, kind: int, family: int, body: bytes = b"") -> bytes:
        """Return the attributes of the one answer to a request."""
        self._sequence += 1
        self._socket.send(message(kind, REQUEST, family, body, sequence=self._sequence))
        while True:
            for answer, sequence, content in messages(self._socket.recv(_RECEIVE)):
                if answer == _ERROR:
                    _raise_error(content)
                elif sequence == self._sequence:
                    return content[4:]
