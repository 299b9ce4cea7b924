"""Evidence of one direction: structure that is followed, text that is undone, and noise that the statistics judge.

What is plain at a glance never reaches the statistics, so a greeting, a file in front or the other direction cannot
outweigh ciphertext. Noise is judged again whenever there is a quarter more of it, all of it together; noise that is
clearly a file's is set aside and what comes behind it is judged anew (`PAST`): a plain beginning buys no free pass.
"""

from __future__ import annotations

from collections.abc import Callable

from . import gate
from .decoding import undo
from .framing import Layout, Stripped, join_segments, strip
from .heads import introduced, within

Judge = Callable[[Stripped], float]
"""Log-likelihood ratio (nats) of ciphertext in the stripped noise."""

KEPT = 65536
"""Bytes of a structure within which it is checked."""
FIRST_LOOK, LAST_CHANCE = 48, 2048
"""Bytes from which a head is looked at, and after which one without a structure is given up."""
PIECE = 16384
"""Bytes of noise judged together."""
LEAST = 32
"""Bytes of residual below which the statistics say nothing."""
GROWN = 1.25
"""The noise is judged again when there is this much more of it."""
CLEAR, CLEARED = -3.0, 512
"""Ratio at which noise is set aside as a file's, and bytes of it at least."""
PAST = -0.7
"""What noise that was set aside counts at most against what comes behind it."""
DISCOUNT = 0.5
"""Weight of a further piece of noise: what looks random in one piece of a file does in the next."""
TEXT = 24576
"""Bytes of text or sparse bytes that encodings are looked for in."""
KNOWN, PLAIN = -6.0, -4.0
"""Ratios while a known structure holds, and while nothing was seen but what is plain at a glance."""
HEADS = 16
"""Messages at whose start a head is looked for."""


class Direction:
    """What one direction of a flow has sent. `ratio`: log-likelihood ratio (nats) of ciphertext in it."""

    __slots__ = (
        "_checked",
        "_head",
        "_heads",
        "_judge",
        "_judged",
        "_layout",
        "_looked_at",
        "_past",
        "_ratio",
        "_sizes",
        "_text",
        "_text_checked",
        "_text_ratio",
        "clear",
        "encoding",
        "name",
        "noise",
        "size",
        "stripped",
    )

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._head: bytearray | None = bytearray()
        self._looked_at = self._heads = 0
        self._past = self._ratio = self._text_ratio = 0.0
        self._sizes: list[int] = []
        self._layout: Layout | None = None
        self._checked = 0
        self._judged = False
        self._text = bytearray()
        self._text_checked = 0
        self.size = 0
        self.clear = 0
        """Bytes that were text or plain at a glance."""
        self.noise = bytearray()
        """Bytes that the statistics judge, at most PIECE."""
        self.name: str | None = None
        """The structure that is followed."""
        self.encoding: str | None = None
        """The encoding that was undone, when what is inside is ciphertext."""
        self.stripped: Stripped | None = None
        """The noise that was judged last, without its framing."""

    @property
    def ratio(self) -> float:
        """Log-likelihood ratio (nats) of ciphertext: what was set aside, and what is judged now."""
        if self.name is not None:
            return KNOWN
        ratio = self._past + self._ratio
        if self.encoding is not None:
            return max(ratio, self._text_ratio)
        return ratio if self._judged or self.clear < LEAST else PLAIN

    def update(self, payload: bytes) -> None:
        """Add the next payload; never raises."""
        self.size += len(payload)
        if self._head is not None and not self._follow(self._head, payload):
            return
        if self._head is None and self._heads < HEADS and len(payload) >= FIRST_LOOK and self._begin(payload):
            return
        self._sort(payload)

    # --- structure ----------------------------------------------------------------------------------------------------

    def _follow(self, head: bytearray, payload: bytes) -> bool:
        """Look at the head again when there is more of it; True when the payload is to be judged by the statistics."""
        head += payload[: KEPT - len(head)]
        size = len(head)
        step = 2 if self.name is None else 1.5
        if size < FIRST_LOOK or (size < step * self._looked_at and size < KEPT):
            return self.name is None
        return self._look(head)

    def _look(self, head: bytearray) -> bool:
        """What is the head of? True when nothing is known and the payload is to be judged by the statistics."""
        size = len(head)
        before, known, self._looked_at = self.name, self._looked_at, size
        self.name = introduced(bytes(head))
        if self.name is not None:
            if before is None:
                self._forget_noise()
            if size == KEPT:
                self._head = None
            return False
        if before is not None:  # it broke off: what came since the last look is judged
            self._head = None
            self._sort(bytes(head[known:]))
            return False
        if size >= LAST_CHANCE:
            self._head = None
        return True

    def _begin(self, payload: bytes) -> bool:
        """A later message begins with a known structure: follow it."""
        self._heads += 1
        start = within(payload)
        if start is None:
            return False
        self._head, self._looked_at = bytearray(payload[start:]), len(payload) - start
        self.name = introduced(bytes(self._head))
        if self.name is None:
            self._head = None
            return False
        return True

    def _forget_noise(self) -> None:
        self.noise.clear()
        self._sizes.clear()
        self._checked = 0
        self._ratio = 0.0
        self._layout = None

    # --- text and noise ---------------------------------------------------------------------------------------------

    def _sort(self, payload: bytes) -> None:
        kind = gate.look(payload)
        if kind == "noise":
            front = gate.text_in_front(payload)
            if front:
                self.clear += front
                payload = payload[front:]
            self._add_noise(payload)
            return
        self.clear += len(payload)
        room = TEXT - len(self._text)
        if room > 0:
            self._text += payload[:room]
            if len(self._text) >= max(128, 1.5 * self._text_checked):
                self._text_checked = len(self._text)
                self._undo()

    def _undo(self) -> None:
        found = undo(bytes(self._text))
        if found is None or introduced(found.inner) is not None or gate.look(found.inner) != "noise":
            self.encoding, self._text_ratio = None, 0.0
            return
        self.stripped = strip(found.inner, [len(found.inner)])
        self._text_ratio = self._judge(self.stripped) if len(self.stripped.residual) >= LEAST else 0.0
        self.encoding = found.name if self._text_ratio > 0 else None

    def _add_noise(self, payload: bytes) -> None:
        while payload:
            room = PIECE - len(self.noise)
            self.noise += payload[:room]
            self._sizes.append(min(len(payload), room))
            size = len(self.noise)
            if size >= LEAST and (size >= GROWN * self._checked or size == PIECE):
                self._checked = size
                self._weigh()
            payload = payload[room:]

    def _weigh(self) -> None:
        self._judged = True
        self.stripped = strip(bytes(self.noise), join_segments(self._sizes), self._layout)
        self._layout = self.stripped.layout
        self._ratio = self._judge(self.stripped) if len(self.stripped.residual) >= LEAST else 0.0
        size = len(self.noise)
        if self._ratio <= CLEAR and size >= CLEARED:
            self._past = max(self._past + self._ratio, PAST)
            self._forget_noise()
        elif size >= PIECE:
            self._past += DISCOUNT * self._ratio
            self._forget_noise()

    def finish(self) -> None:
        """Judge what came since the last look."""
        if self.name is not None and self._head is not None and len(self._head) > self._looked_at:
            self._look(self._head)
        if len(self.noise) > self._checked and len(self.noise) >= LEAST:
            self._checked = len(self.noise)
            self._weigh()
