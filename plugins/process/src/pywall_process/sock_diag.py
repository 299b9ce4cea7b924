"""SockDiag: which socket of this host a packet belongs to, asked of the kernel one at a time.

``sock_diag(7)``, ``linux/inet_diag.h``; one question and one answer, about 15 us, without waiting.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Final, NamedTuple, final

from pywall_core.api import TCP, UDP

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_NLMSG_ERROR: Final = 2
_INET_DIAG_CGROUP_ID: Final = 21
_ALL_STATES: Final = 0xFFFFFFFF
#: Without cookie: any socket with these ends.
_NO_COOKIE: Final = b"\xff" * 8
_HEADER: Final = struct.Struct("=IHHII")
_QUESTION: Final = struct.Struct("=BBBBI")
_PORTS: Final = struct.Struct(">HH")
#: offset and form of ``idiag_uid`` and ``idiag_inode`` in the message behind the header
_OWNER: Final = struct.Struct("=II")
_OWNER_AT: Final = 16 + 64
_ATTRIBUTES_AT: Final = 16 + 72
_ATTRIBUTE: Final = struct.Struct("=HH")
_ID: Final = struct.Struct("=Q")
_LENGTH: Final = _ATTRIBUTES_AT - 16
_SIZE: Final = 16 + 56


class Owner(NamedTuple):
    """Whose socket it is: user id, number of the socket's inode (0: no process has it open), id of the cgroup v2 in
    which the socket was made (0: the kernel does not say)."""

    uid: int
    inode: int
    cgroup: int


@final
class SockDiag:
    """Asks the kernel of the caller's network namespace.

    :raises OSError: the kernel has no sock_diag
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
        self._socket.bind((0, 0))
        self._socket.setblocking(False)
        self._number = 0

    def owner(self, proto: int, local: bytes, local_port: int, remote: bytes, remote_port: int) -> Owner | None:
        """Return whose socket sends to, or gets from, the remote end. None: nobody's, or not TCP or UDP.

        A socket that listens counts for TCP, one that is not connected for UDP.
        """
        if proto == TCP:
            return self._ask(proto, local, local_port, remote, remote_port)
        if proto == UDP:  # here the kernel takes the socket's own end as destination (net/ipv4/udp_diag.c)
            return self._ask(proto, remote, remote_port, local, local_port)
        return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _ask(self, proto: int, src: bytes, sport: int, dst: bytes, dport: int) -> Owner | None:
        self._number = number = self._number + 1 & 0xFFFFFFFF
        family = socket.AF_INET if len(src) == 4 else socket.AF_INET6
        question = (
            _HEADER.pack(_SIZE, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, number, 0)
            + _QUESTION.pack(family, proto, 0, 0, _ALL_STATES)
            + _PORTS.pack(sport, dport)
            + src.ljust(16, b"\0")
            + dst.ljust(16, b"\0")
            + b"\0\0\0\0"
            + _NO_COOKIE
        )
        try:
            self._socket.send(question)
            while True:  # the kernel answers before send() returns
                answer = self._socket.recv(4096)
                if len(answer) >= 16 and _HEADER.unpack_from(answer)[3] == number:
                    return _owner(answer)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOBUFS, errno.ECONNREFUSED):
                return None
            raise


def _owner(answer: bytes) -> Owner | None:
    length, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind != _SOCK_DIAG_BY_FAMILY or len(answer) < _ATTRIBUTES_AT or length > len(answer):
        return None
    uid, inode = _OWNER.unpack_from(answer, _OWNER_AT)
    cgroup = 0
    at = _ATTRIBUTES_AT
    while at + 4 <= length:
        size, name = _ATTRIBUTE.unpack_from(answer, at)
        if size < 4:
            break
        if name == _INET_DIAG_CGROUP_ID and size >= 12:
            cgroup = _ID.unpack_from(answer, at + 4)[0]
        at += size + 3 & ~3
    return Owner(uid, inode, cgroup)
