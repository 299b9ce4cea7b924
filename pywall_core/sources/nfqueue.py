"""Packets from one NFQUEUE: the only module that imports netfilterqueue.

A packet's verdict is given once, whatever happens in between: NF_ACCEPT and NF_DROP for what may change yet, a mark and
NF_REPEAT for what the kernel is to carry on or to reject (see :mod:`pywall_core.kernel.ruleset`). Verdicts go to the
kernel in batches: when the queue is empty, when 64 are there, when the oldest is 1 ms old, and before anything slow.
"""

from __future__ import annotations

import logging
import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from netfilterqueue import COPY_PACKET, NetfilterQueue

from ..kernel.marks import Marks
from ..kernel.queues import FAIL_OPEN, GSO, set_flags
from ..model.errors import Hung
from ..model.packet import SYN, TCP, Packet
from ..model.verdict import ACCEPT, DROP, REJECT, Cause, Verdict
from ..packet.decode import decode
from ..packet.segment_size import limit_segments
from .held_packets import Decider, HeldPackets
from .verdict_batch import NF_ACCEPT, NF_DROP, NF_REPEAT, VerdictBatch

if TYPE_CHECKING:
    from netfilterqueue import Packet as QueuedPacket


log: Final = logging.getLogger("pywall.nfqueue")
#: seconds between two calls of ``pulse``
PULSE: Final = 0.25
#: seconds for which the name of an interface is believed
_NAMES_SECONDS: Final = 1.0
#: NetfilterQueue receives into 4096 bytes, of which the kernel's metadata take up to 120 and a GSO packet more; above
#: this a packet with a mark or two interfaces may not fit and would be lost without a trace
MAX_RANGE: Final = 3584
#: headers that go with a segment: IPv6, TCP, and some extension headers
_HEADERS: Final = 124
#: segments are not made shorter than Ethernet's, whatever ``range`` says
_ETHERNET: Final = 1460


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """One queue, as ``queue:`` configures it. ``length`` in packets, ``batch`` in verdicts, ``socket_buffer`` and
    ``range`` in bytes. ``whole_segments``: rules ask for content, so TCP is to send segments that are copied whole.
    """

    number: int
    length: int = 4096
    socket_buffer: int = 4 << 20
    range: int = MAX_RANGE
    gso: bool = False
    fail_open: bool = False
    offload: bool = True
    pass_failures: bool = False
    whole_segments: bool = False
    batch: int = 64
    marks: Marks = field(default_factory=Marks)


class PacketProcessor(Decider, Protocol):
    """What a queue needs from an engine."""

    wants_interfaces: bool

    def process(self, packet: Packet) -> Verdict:
        """Return the verdict on one packet."""

    def offloadable(self, packet: Packet, verdict: Verdict) -> int:
        """In how many directions the kernel may carry it."""


#: descriptors of the queues of this process
_descriptors: Final[set[int]] = set()


def close_in_child() -> None:
    """Have a forked process give no verdict on packets that the other one is to decide."""
    while _descriptors:
        os.close(_descriptors.pop())


class Stop(Exception):  # noqa: N818 - no error
    """Raised out of ``pulse`` to leave :meth:`NFQueue.run`."""


class NFQueue:
    """Binds at once; packets wait in the kernel until :meth:`run`.

    ``pulse(now, idle)`` is called about every :data:`PULSE` seconds between packets; ``idle``: none came since.

    :raises OSError: the queue is bound by another process, or the capability is missing
    """

    def __init__(self, options: QueueOptions, engine: PacketProcessor, pulse: Callable[[float, bool], None]) -> None:
        self._options = options
        self._pulse = pulse
        self._next_pulse = 0.0
        #: seconds between two calls of ``pulse``, which may change them
        self.pause = PULSE
        #: packets whose verdict an internal error decided
        self.failures = 0
        #: id of the packet that has no verdict yet; of two verdicts the kernel takes the first
        self._unanswered: int | None = None
        self._queue = NetfilterQueue()
        self._socket = socket.socket(fileno=os.dup(self._queue.get_fd()))
        _descriptors.update((self._queue.get_fd(), self._socket.fileno()))
        self._verdicts = VerdictBatch(self._socket, options.number, options.batch)
        self._engine = engine
        self._apply = self._applier(engine)
        denied = Verdict(ACCEPT if options.fail_open else DROP, reason="too many packets wait", cause=Cause.PENDING)
        self._held = HeldPackets(engine, self._apply, denied)
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

    def run(self, wake: int) -> None:
        """Process packets until ``pulse`` raises :class:`Stop`. ``pulse`` is also called when the descriptor ``wake``
        can be read, so that an order of the supervisor does not wait for its turn.
        """
        poller = select.poll()
        queue = self._queue.get_fd()
        poller.register(queue, select.POLLIN)
        poller.register(wake, select.POLLIN)
        helpers: tuple[int, ...] = ()
        try:
            while True:
                if helpers != (now_there := self._engine.helpers.descriptors()):
                    _watch(poller, helpers, now_there)
                    helpers = now_there
                ready = [descriptor for descriptor, _ in poller.poll(int(self.pause * 1000))]
                if queue in ready:
                    self._queue.run(block=False)  # returns when the queue is empty
                    self._verdicts.flush()
                if self._held or not set(helpers).isdisjoint(ready):
                    self._held.release(monotonic())
                    self._verdicts.flush()
                if queue not in ready or wake in ready:
                    self._pulse(monotonic(), queue not in ready)
        except Stop:
            return
        finally:
            self._verdicts.flush()

    def close(self) -> None:
        """Give the queue up; the kernel drops what still waits in it."""
        _descriptors.difference_update((self._queue.get_fd(), self._socket.fileno()))
        self._queue.unbind()
        self._socket.close()

    def _callback(self, engine: PacketProcessor) -> Callable[[QueuedPacket], None]:
        process, apply, held = engine.process, self._apply, self._held
        wants_interfaces, may_hold = engine.wants_interfaces, engine.helpers.may_hold
        name = InterfaceNames().name

        verdicts = self._verdicts

        def decide(queued: QueuedPacket) -> None:
            now = monotonic()
            if now >= verdicts.due:
                verdicts.flush()
            if may_hold and held and now >= held.due:
                held.release(now)
            self._unanswered = number = queued.id
            if wants_interfaces:
                packet = decode(
                    queued.get_payload(), now, queued.hook, name(queued.indev, now), name(queued.outdev, now)
                )
            else:
                packet = decode(queued.get_payload(), now, queued.hook)
            mark = queued.mark
            verdict: Verdict | None = process(packet)
            if may_hold and verdict is not None:
                verdict = held.take(queued, number, mark, packet, verdict, now)
            if verdict is not None:
                apply(queued, number, mark, packet, verdict, now)
            self._unanswered = None
            if now >= self._next_pulse:
                verdicts.flush()
                self._pulse(now, False)
                self._next_pulse = now + self.pause

        def callback(queued: QueuedPacket) -> None:
            try:
                decide(queued)
            except Stop:
                raise
            except (Exception, Hung):
                self._handle_failure()

        return callback

    def _applier(self, engine: PacketProcessor) -> Callable[[QueuedPacket, int, int, Packet, Verdict, float], None]:
        """Return a function that gives the kernel the verdict on a packet with an id and a mark."""
        offloadable, verdicts = engine.offloadable, self._verdicts
        marks, offload = self._options.marks, self._options.offload
        ours, others = marks.mask, 0xFFFFFFFF & ~marks.mask
        accept, accept_both, drop = marks.accept, marks.accept_both, marks.drop
        reject, reject_all = marks.reject, marks.reject_all
        longest = max(min(self._options.range, MAX_RANGE) - _HEADERS, _ETHERNET) if self._options.whole_segments else 0

        def apply(queued: QueuedPacket, number: int, mark: int, packet: Packet, verdict: Verdict, now: float) -> None:
            action = verdict.action
            # somebody else's bits in our places are not written over: such a packet takes its verdict alone
            final = offloadable(packet, verdict) if offload and verdict.final and not mark & ours else 0
            if longest and packet.flags & SYN and action is ACCEPT and final != 2 and packet.proto == TCP:
                packet.rewritten = limit_segments(packet, packet.rewritten or packet.data, longest) or packet.rewritten
            if packet.rewritten is not None and action is not DROP:
                # a REJECT as well: it tells the receiver, the sender is told when it sends again
                verdicts.flush()
                queued.set_payload(packet.rewritten)
                queued.accept()
            elif action is ACCEPT:
                if final:
                    verdicts.add_marked(number, NF_REPEAT, mark & others | (accept_both if final == 2 else accept), now)
                else:
                    verdicts.add(number, NF_ACCEPT, now)
            elif action is REJECT:
                verdicts.add_marked(number, NF_REPEAT, mark & others | (reject_all if final else reject), now)
            elif final:
                verdicts.add_marked(number, NF_REPEAT, mark & others | drop, now)
            else:
                verdicts.add(number, NF_DROP, now)

        return apply

    def _handle_failure(self) -> None:
        """An error of our own: the packet gets the verdict of ``failure.plugin_error``, unless it had one."""
        self.failures += 1
        if self.failures & (self.failures - 1) == 0:  # the 1st, 2nd, 4th, 8th ... is logged
            log.exception("internal error while processing a packet (%d so far)", self.failures)
        number, self._unanswered = self._unanswered, None
        if number is not None:
            self._verdicts.add(number, NF_ACCEPT if self._options.pass_failures else NF_DROP, monotonic())


def _watch(poller: select.poll, before: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Have ``poller`` look at other descriptors; those of before may be closed."""
    for descriptor in before:
        with suppress(KeyError):
            poller.unregister(descriptor)
    for descriptor in wanted:
        poller.register(descriptor, select.POLLIN)


class InterfaceNames:
    """Interface names by index, as the kernel has them; one that is renamed has its new name within a second."""

    def __init__(self) -> None:
        self._names = {0: ""}
        self._until = 0.0

    def name(self, index: int, now: float) -> str:
        """Return the name, or nothing for index 0 and for an interface that has gone; ``now`` in seconds."""
        if now >= self._until:
            self._until = now + _NAMES_SECONDS
            self._names = {0: ""}
        found = self._names.get(index)
        if found is None:
            try:
                found = socket.if_indextoname(index)
            except OSError:
                return ""
            self._names[index] = found
        return found
