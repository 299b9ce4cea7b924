"""Requests that a client sends one by one over UDP, each complete in its datagram: a transaction for each.

They are followed where a rule asks their facts; elsewhere the facts are those of the first, by its detector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

from pywall_core.api import Ambiguous, Transaction

from .saving import Saved

#: returns the facts of a datagram, None where it is no request
Read = Callable[[bytes], dict[str, Any] | None]
#: returns whether a server may take a datagram that could not be read for a request
MayBe = Callable[[bytes], bool]


@final
class Requests(Saved):
    """The parser of one flow; ``over`` at once where no rule asks."""

    __slots__ = ("_asked", "_may_be", "_read", "confirmed", "has_transactions", "number", "over")

    def __init__(self, read: Read, may_be: MayBe) -> None:
        self.confirmed = False
        self.has_transactions = self.over = True
        self._read, self._may_be = read, may_be
        self._asked: frozenset[str] = frozenset()
        self.number = 0

    def state_names(self) -> tuple[str, ...]:
        return ("number",)

    @property
    def asked(self) -> frozenset[str]:
        """Facts that rules ask."""
        return self._asked

    @asked.setter
    def asked(self, names: frozenset[str]) -> None:
        self._asked, self.over = names, not names

    def copy(self) -> Requests:
        """Return a parser in the same state."""
        other = Requests(self._read, self._may_be)
        other.asked, other.number = self._asked, self.number
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | Ambiguous]:
        """Read a datagram."""
        if not to_server:
            return ()
        facts = self._read(data)
        if facts is None:
            return (Ambiguous("message"),) if self._may_be(data) else ()
        self.number += 1
        return (Transaction(self.number - 1, facts, True),)

    def gap(self, to_server: bool, size: int) -> bool:
        """Datagrams have no order."""
        return True

    def finish(self) -> Sequence[Transaction]:
        """Each was complete at once."""
        return ()
