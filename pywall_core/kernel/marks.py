"""The layout of packet marks and connmarks: the one place that knows what a bit means.

A mark is PyWall's when it carries the tag of the running generation. Tags are drawn at random for every start and every
reload, one for packet marks and another one for connmarks, so that a mark that somebody else sets, or that is restored
from a connection, is never taken for a verdict: it would have to hit one of eight values of 131,072.

The bits of the mask, from the lowest (by default 8 to 24):

====== =================================================================================================
bits   what
====== =================================================================================================
3      kind: what is decided
0-4    connmark: index of the worker that owns the connection, where there are several; packet mark: 0
rest   tag of the generation
====== =================================================================================================
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from random import SystemRandom
from typing import Any, Final

GENERATIONS: Final = 255
MAX_WORKERS: Final = 15
DEFAULT_MASK: Final = 0x01FFFF00
#: Bits that a mask must have: three of the kind, up to four of the worker, eight of the tag.
LEAST_BITS: Final = 15
_KIND_BITS: Final = 3
_random: Final = SystemRandom()

# Kinds of a connmark; packet marks use 1, 3, 4, 5 and 7. Bits 0 and 2 together: errors that REJECT makes may pass. Of
# bits 1 and 2 the higher alone: all is dropped.
_UNDECIDED: Final = 0
_ACCEPT_ORIGINAL: Final = 1
_ACCEPT_REPLY: Final = 2
_ACCEPT_BOTH: Final = 3
_DROP: Final = 4
_REJECT_ALL: Final = 5
_REJECT: Final = 7


@dataclass(frozen=True, slots=True)
class Pair:
    """Value and mask of a comparison or of a change. As text it is what iptables takes."""

    value: int
    mask: int

    def __str__(self) -> str:
        return f"{self.value:#x}/{self.mask:#x}"


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks and masks of one generation, ready for iptables and for ``set_mark``.

    ``mask`` are the bits that are ours, ``packet_tag`` and ``connection_tag`` numbers from 1 on. Raises ValueError when
    ``mask`` is too narrow or ``workers`` (1 to 15) too many.
    """

    mask: int = DEFAULT_MASK
    packet_tag: int = 1
    connection_tag: int = 2
    workers: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.mask < 1 << 32 or self.mask.bit_count() < LEAST_BITS:
            raise ValueError(f"{self.mask:#x} has fewer than {LEAST_BITS} bits ({DEFAULT_MASK:#010x} is right)")
        if not 1 <= self.workers <= MAX_WORKERS:
            raise ValueError(f"{self.workers} workers: at most {MAX_WORKERS} have room in a mark")

    @classmethod
    def draw(cls, mask: int, workers: int, used: Collection[int] = ()) -> Marks:
        """Return marks with tags drawn at random, other ones than ``used``. Raises ValueError as the class does."""
        tags = 1 << tag_bits(mask, workers)
        first = second = 0
        while not first or first in used:
            first = _random.randrange(tags)
        while not second or second == first or second in used:
            second = _random.randrange(tags)
        return cls(mask, first, second, workers)

    def as_json(self) -> dict[str, int]:
        """Return the arguments that make these marks."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Marks:
        """Return the marks of :meth:`as_json`. Raises ValueError when ``value`` is something else."""
        if not isinstance(value, dict) or not all(isinstance(number, int) for number in value.values()):
            raise ValueError(f"{value!r} describes no marks")
        try:
            return cls(**value)
        except TypeError:
            raise ValueError(f"{value!r} describes no marks") from None

    # --- packet marks ---------------------------------------------------------------------------------------------

    @property
    def packet_ours(self) -> Pair:
        """Packets that come back from a worker."""
        return Pair(self._spread(self._tagged(self.packet_tag)), self._spread(~((1 << _KIND_BITS) - 1)))

    @property
    def accept(self) -> int:
        """Final ACCEPT."""
        return self._packet(_ACCEPT_ORIGINAL)

    @property
    def accept_both(self) -> int:
        """Final ACCEPT, for the connection's other direction as well."""
        return self._packet(_ACCEPT_BOTH)

    @property
    def drop(self) -> int:
        """Final DROP."""
        return self._packet(_DROP)

    @property
    def reject_all(self) -> int:
        """Final REJECT."""
        return self._packet(_REJECT_ALL)

    @property
    def reject(self) -> int:
        """REJECT this one packet."""
        return self._packet(_REJECT)

    # --- connmarks ------------------------------------------------------------------------------------------------

    @property
    def ours(self) -> Pair:
        """Connections that carry something of this generation."""
        return Pair(self._connection(0), self._spread(~self._below_tag()))

    @property
    def foreign(self) -> Pair:
        """Connections without any of our bits, as a comparison."""
        return Pair(0, self.mask)

    @property
    def accept_original(self) -> Pair:
        """Packets of conntrack's original direction are accepted; the worker stays."""
        return self._kind(_ACCEPT_ORIGINAL, 7)

    @property
    def accept_reply(self) -> Pair:
        """Packets of the reply direction are accepted; the worker stays."""
        return self._kind(_ACCEPT_REPLY, 7)

    @property
    def accept_all(self) -> Pair:
        """All packets are accepted; the worker stays."""
        return self._kind(_ACCEPT_BOTH, 7)

    @property
    def not_dropped(self) -> Pair:
        """As a comparison: something may be accepted, and nothing is dropped or was rejected."""
        return self._kind(_UNDECIDED, 4)

    @property
    def undecided(self) -> Pair:
        """As a change of :attr:`not_dropped`: nothing is accepted any more; the worker stays."""
        return Pair(0, self._spread(_ACCEPT_BOTH))

    @property
    def drop_all(self) -> Pair:
        """All packets are dropped."""
        return Pair(self._connection(_DROP), self.mask)

    @property
    def rejected(self) -> Pair:
        """All packets are rejected."""
        return Pair(self._connection(_REJECT_ALL), self.mask)

    @property
    def reject_once(self) -> Pair:
        """One packet was rejected; nothing is decided about the others, the worker stays."""
        return self._kind(_REJECT, 7)

    @property
    def errors_pass(self) -> Pair:
        """As a comparison: the errors that REJECT makes may pass."""
        return self._kind(_REJECT_ALL, 5)

    @property
    def all_dropped(self) -> Pair:
        """As a comparison: :attr:`drop_all` or :attr:`rejected`."""
        return self._kind(_DROP, 6)

    def worker(self, index: int) -> Pair:
        """The worker with ``index`` (from 0) owns the connection, whatever is decided."""
        bits = self._spread(~((1 << _KIND_BITS) - 1))
        return Pair(self._connection(index << _KIND_BITS), bits)

    def begin(self, index: int) -> Pair:
        """Nothing is decided, and the worker with ``index`` owns the connection."""
        return Pair(self._connection(index << _KIND_BITS | _UNDECIDED), self.mask)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _spread(self, value: int) -> int:
        """Put the lowest bits of ``value`` at the places of the mask's bits."""
        spread, mask = 0, self.mask
        while mask:
            lowest = mask & -mask
            if value & 1:
                spread |= lowest
            value >>= 1
            mask ^= lowest
        return spread

    def _below_tag(self) -> int:
        return (1 << _KIND_BITS + _worker_bits(self.workers)) - 1

    def _tagged(self, tag: int) -> int:
        return tag << _KIND_BITS + _worker_bits(self.workers)

    def _packet(self, kind: int) -> int:
        return self._spread(self._tagged(self.packet_tag) | kind)

    def _connection(self, below: int) -> int:
        return self._spread(self._tagged(self.connection_tag) | below)

    def _kind(self, kind: int, mask: int) -> Pair:
        return Pair(self._connection(kind), self._spread(~self._below_tag() | mask))


def _worker_bits(workers: int) -> int:
    return (workers - 1).bit_length()


def tag_bits(mask: int, workers: int) -> int:
    """Return how many bits of ``mask`` the tags of so many workers have."""
    return mask.bit_count() - _KIND_BITS - _worker_bits(workers)


def next_generation(last: int) -> int:
    """The generation after ``last``: 1 to 255, then 1 again; 0 stands for none."""
    return last % GENERATIONS + 1
