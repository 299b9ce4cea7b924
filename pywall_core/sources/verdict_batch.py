"""Verdicts to the kernel in batches: one system call for up to 64 packets.

A verdict for each packet alone costs a system call each, in which the kernel runs the packet's way through its stack;
the next packet then finds cold caches. netlink takes any number of messages in one datagram and handles them in order,
so the order of verdicts is that of the packets. Formats: ``linux/netfilter/nfnetlink_queue.h``.
"""

from __future__ import annotations

import logging
import socket
import struct
import sys
from typing import Final

from ..kernel.netlink import REQUEST, attribute, message

log: Final = logging.getLogger("pywall.nfqueue")

#: linux/netfilter.h
NF_DROP: Final = 0
NF_ACCEPT: Final = 1
NF_REPEAT: Final = 4
#: linux/netfilter/nfnetlink.h and nfnetlink_queue.h
_VERDICT_MESSAGE: Final = 3 << 8 | 1
_VERDICT_HEADER: Final = 2
_MARK: Final = 3

#: seconds that the oldest verdict waits for others at most
MAX_AGE: Final = 0.001
_NEVER: Final = float("inf")


class VerdictBatch:
    """Verdicts of one queue that the kernel does not have yet. ``size``: sent when so many are there, 1: each at once.

    ``queue_socket`` is a duplicate of the queue's socket: the kernel takes verdicts from the port that bound the queue
    and no other.
    """

    def __init__(self, queue_socket: socket.socket, number: int, size: int) -> None:
        self._socket = queue_socket
        self._size = size
        self._messages: list[bytes] = []
        #: when the oldest verdict must go, by the monotonic clock
        self.due = _NEVER
        #: verdicts that the kernel did not take: their packets wait until the queue is unbound, and are dropped then
        self.unsent = 0
        self._plain = {verdict: _prefix(number, verdict, marked=False) for verdict in (NF_DROP, NF_ACCEPT, NF_REPEAT)}
        self._marked = {verdict: _prefix(number, verdict, marked=True) for verdict in (NF_DROP, NF_ACCEPT, NF_REPEAT)}

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, packet_id: int, verdict: int, now: float) -> None:
        """Give a packet its verdict; ``now`` is the monotonic clock."""
        self._append(self._plain[verdict] + packet_id.to_bytes(4, "big"), now)

    def add_marked(self, packet_id: int, verdict: int, mark: int, now: float) -> None:
        """Give a packet its verdict and a mark (all 32 bits of it)."""
        head = self._marked[verdict]
        self._append(head + packet_id.to_bytes(4, "big") + _MARK_HEADER + mark.to_bytes(4, "big"), now)

    def _append(self, verdict: bytes, now: float) -> None:
        messages = self._messages
        if not messages:
            self.due = now + MAX_AGE
        messages.append(verdict)
        if len(messages) >= self._size:
            self.flush()

    def flush(self) -> None:
        """Send what waits. Never raises."""
        messages = self._messages
        if not messages:
            return
        self._messages = []
        self.due = _NEVER
        try:
            self._socket.send(b"".join(messages))
        except OSError:  # nothing was taken; the kernel answers for single messages by messages of its own
            for verdict in messages:
                self._send_alone(verdict)

    def _send_alone(self, verdict: bytes) -> None:
        try:
            self._socket.send(verdict)
        except OSError as error:
            self.unsent += 1
            if self.unsent & (self.unsent - 1) == 0:  # the 1st, 2nd, 4th, 8th ... is logged
                log.error("the kernel took no verdict: %s (%d so far)", error.strerror or error, self.unsent)


def _prefix(number: int, verdict: int, *, marked: bool) -> bytes:
    """Return the message of a verdict up to the packet's id, which is the last field of its first attribute."""
    body = attribute(_VERDICT_HEADER, struct.pack(">II", verdict, 0))
    mark = attribute(_MARK, bytes(4)) if marked else b""
    whole = message(_VERDICT_MESSAGE, REQUEST, socket.AF_UNSPEC, body + mark, resource=number)
    return whole[: len(whole) - len(mark) - 4]


_MARK_HEADER: Final = (8).to_bytes(2, sys.byteorder) + _MARK.to_bytes(2, sys.byteorder)
