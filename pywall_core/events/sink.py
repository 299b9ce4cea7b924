"""Where events go: each output has a bounded queue and a writer thread, so that none ever holds up a verdict.

What does not fit into a queue or cannot be written is lost and counted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .fields import Event
from .outputs import FileOutput, Output, SocketOutput, StdoutOutput, SyslogOutput, TerminalOutput
from .writer import Writer

if TYPE_CHECKING:
    from ..config.model import Events

#: drop and anomaly events a second; further ones are counted, and the next one that is written says how many
MAX_PER_SECOND: Final = 200
#: packets that wait to be written; each may have 64 KiB
PACKETS_QUEUED: Final = 512
_LIMITED: Final = frozenset({"drop", "anomaly"})


class Sink:
    """All outputs of a process. Make it after forking: it starts threads."""

    def __init__(
        self,
        outputs: list[Output],
        *,
        types: list[str] | None = None,
        length: int = 8192,
        packets: Output | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writers = [Writer(output, length) for output in outputs]
        self._packets = None if packets is None else Writer(packets, PACKETS_QUEUED, _packet_block)
        self._types = None if types is None else frozenset(types)
        self._clock = clock
        self._second = 0.0
        self._in_second = 0
        self._suppressed = 0
        self._unreported = 0

    @property
    def active(self) -> bool:
        """There is an output: events are worth making."""
        return bool(self._writers)

    @property
    def keeps_packets(self) -> bool:
        """There is an output for packets."""
        return self._packets is not None

    def keep_packet(self, data: bytes, comment: str) -> None:
        """Hand a dropped packet, or one with an alert, to the output for packets; never blocks, never raises."""
        if self._packets is not None:
            self._packets.put((data, time.time(), comment))

    def emit(self, event: Event) -> None:
        """Hand an event to all outputs; never blocks, never raises."""
        kind = event["event_type"]
        if self._types is not None and kind not in self._types:
            return
        if kind in _LIMITED and not self._may_write(event):
            return
        for writer in self._writers:
            writer.put(event)

    def reopen(self) -> None:
        """Open files and sockets again, for log rotation. Safe in a signal handler."""
        for writer in self._all():
            writer.reopen()

    def close(self, timeout: float = 2.0) -> None:
        """Write what is queued, for at most ``timeout`` seconds, and close."""
        end = time.monotonic() + timeout
        for writer in self._all():
            writer.stop()
        for writer in self._all():
            writer.join(max(0.0, end - time.monotonic()))

    def stats(self) -> dict[str, int]:
        """Cumulative counters: events ``written``, ``lost`` and ``suppressed``; ``queued`` at this moment.

        With an output for packets also ``packets_written`` and ``packets_lost``.
        """
        packets = self._packets
        of_packets = {} if packets is None else {"packets_written": packets.written, "packets_lost": packets.lost}
        return {
            **of_packets,
            "written": sum(writer.written for writer in self._writers),
            "lost": sum(writer.lost for writer in self._writers),
            "suppressed": self._suppressed,
            "queued": sum(writer.queued() for writer in self._writers),
        }

    def _all(self) -> list[Writer]:
        return self._writers if self._packets is None else [*self._writers, self._packets]

    def _may_write(self, event: Event) -> bool:
        now = self._clock()
        if now - self._second >= 1.0:
            self._second = now
            self._in_second = 0
        self._in_second += 1
        if self._in_second > MAX_PER_SECOND:
            self._suppressed += 1
            self._unreported += 1
            return False
        if self._unreported:
            event.setdefault("pywall", {})["suppressed"] = self._unreported
            self._unreported = 0
        return True


def _packet_block(packet: tuple[bytes, float, str]) -> bytes:
    from .packets import packet_block

    return packet_block(*packet)


def open_sink(events: Events, *, terminal: bool = False, worker: int = 0) -> Sink:
    """Return the outputs that the configuration names. What cannot be opened is reported and tried again.

    ``terminal``: drops, alerts and anomalies also go to standard output, a line for a reader each.
    ``worker``: its number; each has files of packets of its own.
    """
    outputs: list[Output] = []
    if events.file is not None:
        outputs.append(FileOutput(events.file))
    if terminal:
        outputs.append(TerminalOutput(sys.stdout.fileno()))
    if events.stdout:
        outputs.append(StdoutOutput(sys.stdout.fileno()))
    if events.syslog:
        outputs.append(SyslogOutput())
    if events.socket is not None:
        outputs.append(SocketOutput(events.socket))
    packets: Output | None = None
    if events.pcap is not None:
        from .packets import PacketRing  # dpkt, which it needs, takes long to import

        path = events.pcap.file if not worker else f"{events.pcap.file}.worker{worker}"
        packets = PacketRing(path, events.pcap.megabytes * 1_000_000, events.pcap.files)
    return Sink(outputs, types=events.types, packets=packets)
