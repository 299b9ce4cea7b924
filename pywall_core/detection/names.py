"""Names that a flow may still get: those that the detectors which have not said NO declare."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, final

#: What a flow without a detector's name is called, at its end at the latest.
UNNAMED: Final = ("unknown", "none")
_KEPT: Final = 4096


@final
class Names:
    """What each detector of a list may answer. A mask has one bit a detector, in the list's order.

    ``declared`` are the names that some detector may give.
    """

    def __init__(self, protocols: Sequence[tuple[str, ...]]) -> None:
        self._protocols = protocols
        self.declared = frozenset(name for names in protocols for name in names)
        self._known: dict[int, frozenset[str]] = {}

    def possible(self, mask: int) -> frozenset[str]:
        """Return the names that detectors in ``mask`` may give, with ``unknown`` and ``none``."""
        known = self._known.get(mask)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            open_ones = (names for number, names in enumerate(self._protocols) if mask >> number & 1)
            known = self._known[mask] = frozenset(UNNAMED).union(*open_ones)
        return known

    def givers(self, asked: Collection[str]) -> int:
        """Return the mask of detectors that may give one of the names ``asked``."""
        wanted = frozenset(asked)
        return sum(1 << number for number, names in enumerate(self._protocols) if not wanted.isdisjoint(names))
