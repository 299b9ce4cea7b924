"""Packets from one NFQUEUE: the only module that imports netfilterqueue.

A packet's verdict is given once, whatever happens in between: NF_ACCEPT and NF_DROP for what may change yet, a mark and
NF_REPEAT for what the kernel is to carry on or to reject (see :mod:`pywall_core.kernel.ruleset`).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from netfilterqueue import COPY_PACKET, NetfilterQueue

from ..kernel.marks import Marks
from ..kernel.queues import FAIL_OPEN, GSO, set_flags
from ..model.errors import Hung
from ..model.packet import Packet
from ..model.verdict import ACCEPT, REJECT, Verdict
from ..packet.decode import decode

if TYPE_CHECKING:
    from netfilterqueue import Packet as QueuedPacket


log: Final = logging.getLogger("pywall.nfqueue")
#: seconds between two calls of ``pulse``
PULSE: Final = 0.25
#: NetfilterQueue receives into 4096 octets, of which the kernel's metadata take up to 120 and a GSO packet more; above
#: this a packet with a mark or two interfaces may not fit and would be lost without a trace
MAX_RANGE: Final = 3584


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """One queue, as ``queue:`` configures it. ``length`` in packets, ``socket_buffer`` and ``range`` in octets."""

    number: int
    length: int = 4096
    socket_buffer: int = 4 << 20
    range: int = MAX_RANGE
    gso: bool = False
    fail_open: bool = False
    offload: bool = True
    pass_failures: bool = False
    marks: Marks = field(default_factory=Marks)


class Judges(Protocol):
    """What is wanted of an engine."""

    wants_interfaces: bool

    def process(self, packet: Packet) -> Verdict:
        """The verdict on one packet."""

    def offloadable(self, packet: Packet, verdict: Verdict) -> int:
        """In how many directions the kernel may carry it."""


class Stop(Exception):  # noqa: N818 - no error
    """Raised out of ``pulse`` to leave :meth:`NFQueue.run`."""


class NFQueue:
    """Binds at once; packets wait in the kernel until :meth:`run`.

    ``pulse(now, idle)`` is called about every :data:`PULSE` seconds between packets; ``idle``: none came since.

    :raises OSError: the queue is bound by another process, or the capability is missing
    """

    def __init__(self, options: QueueOptions, engine: Judges, pulse: Callable[[float, bool], None]) -> None:
        self._options = options
        self._pulse = pulse
        self._next_pulse = 0.0
        #: packets whose verdict an internal error decided
        self.failures = 0
        self._queue = NetfilterQueue()
        self._queue.bind(
            options.number,
            self._callback(engine),
            max_len=options.length,
            mode=COPY_PACKET,
            range=min(options.range, MAX_RANGE),
            sock_len=options.socket_buffer,
        )
        flags = (GSO if options.gso else 0) | (FAIL_OPEN if options.fail_open else 0)
        if flags:
            set_flags(self._queue.get_fd(), options.number, flags)
        with socket.socket(fileno=os.dup(self._queue.get_fd())) as receiver:
            microseconds = int(PULSE * 1_000_000)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, microseconds))

    def run(self) -> None:
        """Judge packets until ``pulse`` raises :class:`Stop`."""
        try:
            while True:
                self._queue.run()  # returns when nothing came for PULSE seconds
                self._pulse(monotonic(), True)
        except Stop:
            return

    def close(self) -> None:
        """Give the queue up; the kernel drops what still waits in it."""
        self._queue.unbind()

    def _callback(self, engine: Judges) -> Callable[[QueuedPacket], None]:
        process, offloadable = engine.process, engine.offloadable
        marks, offload = self._options.marks, self._options.offload
        ours, others = marks.mask, 0xFFFFFFFF & ~marks.mask
        accept, accept_both, drop = marks.accept, marks.accept_both, marks.drop
        reject, reject_all = marks.reject, marks.reject_all
        wants_interfaces = engine.wants_interfaces
        name = InterfaceNames().name

        def judge(queued: QueuedPacket) -> None:
            now = monotonic()
            if wants_interfaces:
                packet = decode(queued.get_payload(), now, queued.hook, name(queued.indev), name(queued.outdev))
            else:
                packet = decode(queued.get_payload(), now, queued.hook)
            verdict = process(packet)
            action = verdict.action
            mark = queued.mark
            # somebody else's bits in our places are not written over: such a packet takes its verdict alone
            final = offloadable(packet, verdict) if offload and verdict.final and not mark & ours else 0
            if action is ACCEPT:
                if final:
                    queued.set_mark(mark & others | (accept_both if final == 2 else accept))
                    queued.repeat()
                else:
                    queued.accept()
            elif action is REJECT:
                queued.set_mark(mark & others | (reject_all if final else reject))
                queued.repeat()
            elif final:
                queued.set_mark(mark & others | drop)
                queued.repeat()
            else:
                queued.drop()
            if now >= self._next_pulse:
                self._next_pulse = now + PULSE
                self._pulse(now, False)

        def callback(queued: QueuedPacket) -> None:
            try:
                judge(queued)
            except Stop:
                raise
            except (Exception, Hung):
                self._failed(queued)

        return callback

    def _failed(self, queued: QueuedPacket) -> None:
        """An error of our own: the packet gets the verdict of ``failure.plugin_error``, unless it had one."""
        self.failures += 1
        if self.failures & (self.failures - 1) == 0:  # the 1st, 2nd, 4th, 8th ... is logged
            log.exception("internal error while judging a packet (%d so far)", self.failures)
        try:
            if self._options.pass_failures:
                queued.accept()
            else:
                queued.drop()
        except RuntimeError:
            pass  # it had its verdict already


class InterfaceNames:
    """Interface names by index, as the kernel had them when each was first seen."""

    def __init__(self) -> None:
        self._names = {0: ""}

    def name(self, index: int) -> str:
        """The name, or empty for index 0 and for an interface that has gone."""
        found = self._names.get(index)
        if found is None:
            try:
                found = socket.if_indextoname(index)
            except OSError:
                return ""
            self._names[index] = found
        return found
