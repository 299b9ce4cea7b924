"""The layout of packet marks and connmarks: the one place that knows what a bit means.

Seventeen neighbouring bits, by default 8 to 24 (mask 0x01ffff00), from the lowest:

====== ==== ==================================================================================================
bits   what in the connmark, and in the mark of a packet that comes back from a worker
====== ==== ==================================================================================================
0-1         verdict for conntrack's original direction; in a packet mark: the verdict on this packet
2-3         verdict for the reply direction; in a packet mark: accept for the other direction as well, or nothing
4-11        generation of the configuration that the verdict belongs to, 1 to 255
12-15       worker that owns the connection, from 1; 0: not dealt out yet
16          a packet of the connection is being, or was, rejected: the errors that REJECT makes may pass
====== ==== ==================================================================================================

Verdict values: 0 none, 1 accept, 2 drop, 3 reject (packet mark only: a rejected connection carries drop and bit 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GENERATIONS: Final = 255
MAX_WORKERS: Final = 15
_WIDTH: Final = 17
_ACCEPT: Final = 1
_DROP: Final = 2
_REJECT: Final = 3


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks and masks for one position of the layout. All values are ready for iptables and for ``set_mark``."""

    shift: int = 8

    @classmethod
    def from_mask(cls, mask: int) -> Marks:
        """The layout within ``mask``.

        :raises ValueError: ``mask`` is not 17 neighbouring bits of the 32
        """
        shift = max(0, (mask & -mask).bit_length() - 1)
        if mask != ((1 << _WIDTH) - 1) << shift or shift > 32 - _WIDTH:
            raise ValueError(f"{mask:#x} is not {_WIDTH} neighbouring bits (0x01ffff00 is)")
        return cls(shift)

    def _at(self, value: int, bit: int) -> int:
        return value << (self.shift + bit)

    @property
    def mask(self) -> int:
        """All bits that are ours."""
        return self._at((1 << _WIDTH) - 1, 0)

    @property
    def verdict_mask(self) -> int:
        """In a packet mark: the bits that say that a worker has decided."""
        return self._at(3, 0) | self.reject

    @property
    def accept(self) -> int:
        """Packet mark: final ACCEPT."""
        return self._at(_ACCEPT, 0)

    @property
    def accept_both(self) -> int:
        """Packet mark: final ACCEPT, for the connection's other direction as well."""
        return self._at(_ACCEPT, 0) | self._at(_ACCEPT, 2)

    @property
    def drop(self) -> int:
        """Packet mark: final DROP."""
        return self._at(_DROP, 0)

    @property
    def reject_all(self) -> int:
        """Packet mark: final REJECT."""
        return self._at(_REJECT, 0)

    @property
    def reject(self) -> int:
        """Packet mark: REJECT this one packet. Connmark: errors about this connection may pass."""
        return self._at(1, 16)

    @property
    def original(self) -> int:
        """Mask of the original direction's verdict; with :attr:`accept_original` as the value."""
        return self._at(3, 0)

    @property
    def reply(self) -> int:
        """Mask of the reply direction's verdict."""
        return self._at(3, 2)

    @property
    def accept_original(self) -> int:
        """Connmark: packets of the original direction are accepted."""
        return self._at(_ACCEPT, 0)

    @property
    def accept_reply(self) -> int:
        """Connmark: packets of the reply direction are accepted."""
        return self._at(_ACCEPT, 2)

    @property
    def drop_both(self) -> int:
        """Connmark: all packets of the connection are dropped."""
        return self._at(_DROP, 0) | self._at(_DROP, 2)

    @property
    def generation_mask(self) -> int:
        """Mask of the generation."""
        return self._at(0xFF, 4)

    @property
    def worker_mask(self) -> int:
        """Mask of the worker's number."""
        return self._at(0xF, 12)

    def generation(self, number: int) -> int:
        """Connmark bits of generation ``number`` (1 to 255)."""
        return self._at(number, 4)

    def worker(self, index: int) -> int:
        """Connmark bits of the worker with ``index`` (from 0, at most 14)."""
        return self._at(index + 1, 12)


def next_generation(last: int) -> int:
    """The generation after ``last``: 1 to 255, then 1 again; 0 stands for none."""
    return last % GENERATIONS + 1
