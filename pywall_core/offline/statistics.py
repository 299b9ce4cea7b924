"""PacketStatistics: sizes of a flow's packets and the gaps between them, in both directions together and in each.

The columns have the names and definitions of nfstream's statistical features (its documentation, "nfstream core and
post-mortem features") with ``accounting_mode=1``: sizes are those of the IP packet, in bytes; times are milliseconds;
``src2dst`` is the direction of the flow's first packet; standard deviations are those of a sample (n - 1).
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from ..model.packet import ACK, FIN, PSH, RST, SYN, TCP, URG

if TYPE_CHECKING:
    from ..model.packet import Packet

_FLAGS: Final = (("syn", SYN), ("ack", ACK), ("psh", PSH), ("rst", RST), ("fin", FIN), ("urg", URG))


class _Spread:
    """Minimum, maximum, mean and standard deviation of numbers that come one by one (Welford's method)."""

    __slots__ = ("count", "greatest", "least", "mean", "squares")

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = self.least = self.greatest = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        if self.count == 1:
            self.least = self.greatest = value
        elif value < self.least:
            self.least = value
        elif value > self.greatest:
            self.greatest = value
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)

    def columns(self, prefix: str, name: str) -> dict[str, float]:
        deviation = sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0
        return {
            f"{prefix}_min_{name}": self.least,
            f"{prefix}_mean_{name}": self.mean,
            f"{prefix}_stddev_{name}": deviation,
            f"{prefix}_max_{name}": self.greatest,
        }


class _Direction:
    __slots__ = ("bytes", "first", "flags", "gaps", "last", "sizes")

    def __init__(self) -> None:
        self.bytes = 0
        self.first = self.last = 0
        self.sizes = _Spread()
        self.gaps = _Spread()
        self.flags = [0] * len(_FLAGS)

    def add(self, time: int, size: int, flags: int) -> None:
        if self.sizes.count:
            self.gaps.add(time - self.last)
        else:
            self.first = time
        self.last = time
        self.bytes += size
        self.sizes.add(size)
        if flags:
            for at, (_, bit) in enumerate(_FLAGS):
                if flags & bit:
                    self.flags[at] += 1

    def columns(self, prefix: str) -> dict[str, Any]:
        return {
            f"{prefix}_first_seen_ms": self.first,
            f"{prefix}_last_seen_ms": self.last,
            f"{prefix}_duration_ms": self.last - self.first,
            f"{prefix}_packets": self.sizes.count,
            f"{prefix}_bytes": self.bytes,
            **self.sizes.columns(prefix, "ps"),
            **self.gaps.columns(prefix, "piat_ms"),
            **{f"{prefix}_{name}_packets": n for (name, _), n in zip(_FLAGS, self.flags, strict=True)},
        }


class PacketStatistics:
    """Statistics of one flow; the first ``splt`` packets are kept one by one (direction 0 or 1, size, gap in ms)."""

    def __init__(self, splt: int = 0) -> None:
        self._splt = splt
        self._both = _Direction()
        self._ways = (_Direction(), _Direction())
        self._first_key: bytes | None = None
        self._first_packets: list[tuple[int, int, int]] = []

    def add(self, packet: Packet) -> None:
        """Count one packet."""
        if self._first_key is None:
            self._first_key = packet.key
        back = packet.key != self._first_key
        time = round(packet.time * 1e6) // 1000  # 1642778258.433 * 1000 is less than 1642778258433
        flags = packet.flags if packet.proto == TCP else 0
        if len(self._first_packets) < self._splt:
            gap = time - self._both.last if self._both.sizes.count else 0
            self._first_packets.append((int(back), packet.length, gap))
        self._both.add(time, packet.length, flags)
        self._ways[back].add(time, packet.length, flags)

    def columns(self) -> dict[str, Any]:
        """Return all columns with their values."""
        found = {
            **self._both.columns("bidirectional"),
            **self._ways[0].columns("src2dst"),
            **self._ways[1].columns("dst2src"),
        }
        if self._splt:
            found["splt_direction"] = [direction for direction, _, _ in self._first_packets]
            found["splt_ps"] = [size for _, size, _ in self._first_packets]
            found["splt_piat_ms"] = [gap for _, _, gap in self._first_packets]
        return found
