"""Questions and answers that belong together by a key: an identifier in both."""

from __future__ import annotations

from typing import Any, Final, final

from pywall_core.api import Ambiguous, HandOver, Transaction

from .saving import Saved

#: Questions that wait for their answer; when there are more the oldest has its event without one.
_MOST_OPEN: Final = 64
#: Answers that are kept until their question has been read.
_MOST_EARLY: Final = 16

#: what line dialogues, pairs and messages give
Step = Transaction | HandOver | Ambiguous
Found = list[Step]


@final
class Pairs(Saved):
    """What was asked and is not answered yet. ``keep_early``: an answer may be read before its question."""

    __slots__ = ("_early", "_keep_early", "_open", "number", "overflowed")

    def __init__(self, *, keep_early: bool) -> None:
        self.number = 0
        #: questions have their event without an answer that may yet come
        self.overflowed = False
        self._keep_early = keep_early
        self._open: tuple[tuple[bytes, int, dict[str, Any]], ...] = ()
        self._early: tuple[tuple[bytes, dict[str, Any]], ...] = ()

    def state_names(self) -> tuple[str, ...]:
        return (
            "number",
            "overflowed",
            "_open",
            "_early",
        )

    def state_shapes(self) -> dict[str, Any]:
        return {"_open": [(bytes, int, {str: object})], "_early": [(bytes, {str: object})]}

    def copy(self) -> Pairs:
        """Return the same once more."""
        other = Pairs(keep_early=self._keep_early)
        other.number, other._open, other._early = self.number, self._open, self._early
        other.overflowed = self.overflowed
        return other

    def is_open(self, key: bytes) -> bool:
        """Return whether a question of this key waits."""
        return any(waiting == key for waiting, _, _ in self._open)

    def ask(self, key: bytes, facts: dict[str, Any], found: Found, *, answered: bool = True) -> None:
        """Take a question; ``answered``: it may have an answer."""
        for at, (early, reply_facts) in enumerate(self._early):
            if early == key and answered:
                self._early = (*self._early[:at], *self._early[at + 1 :])
                found.append(Transaction(self.number, {**reply_facts, **facts}, True))
                self.number += 1
                return
        if answered:
            if len(self._open) >= _MOST_OPEN:
                found.append(Transaction(*self._open[0][1:], True))
                self._open = self._open[1:]
                self.overflowed = True
            self._open = (*self._open, (key, self.number, facts))
        found.append(Transaction(self.number, facts, not answered))
        self.number += 1

    def answer(self, key: bytes, facts: dict[str, Any], found: Found) -> None:
        """Take an answer. Without a question it is a transaction of its own."""
        for at, (waiting, number, asked) in enumerate(self._open):
            if waiting == key:
                self._open = (*self._open[:at], *self._open[at + 1 :])
                found.append(Transaction(number, {**facts, **asked}, True))
                return
        if self._keep_early and len(self._early) < _MOST_EARLY:
            self._early = (*self._early, (key, facts))
            return
        self.tell(facts, found)

    def tell(self, facts: dict[str, Any], found: Found) -> None:
        """Take a message that belongs to no other."""
        found.append(Transaction(self.number, facts, True))
        self.number += 1

    def finish(self) -> list[Transaction]:
        """Return what is open."""
        left = [Transaction(number, facts, True) for _, number, facts in self._open]
        left += [Transaction(self.number + at, facts, True) for at, (_, facts) in enumerate(self._early)]
        self.number += len(self._early)
        self._open, self._early = (), ()
        return left
