"""Evidence of one direction: structure that is followed, text that is decoded, and noise for the statistics.

What is plain at a glance never reaches the statistics, so a greeting, a file in front or the other direction cannot
outweigh ciphertext. Noise is scored again whenever there is a quarter more of it, all of it together; noise that is
clearly a file's is set aside and what comes behind it is scored again (`PAST`): a plain beginning buys no free pass.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from . import gate
from .decoding import decode, weight
from .following import FIRST_LOOK, Follower
from .frames import FEW, Codec
from .framing import Stripped, cut, has_records, join_segments, strip
from .headless import SOUGHT, Film, packed, units_of_video
from .heads import frame_within, introduced, within
from .records import Layout
from .rows import Tables, sums_behind_text
from .spread import without_constants
from .stuffing import without_stuffing

Score = Callable[[Stripped], float]
"""Log-likelihood ratio (nats) of ciphertext in the stripped noise."""

PIECE = 16384
"""Bytes of noise scored together."""
LEAST = 32
"""Bytes of residual below which the statistics say nothing."""
FIRST_SCORED, FEW_BYTES, GROWN_EARLY, GROWN = 48, 1024, 1.5, 1.25
"""Noise is scored from FIRST_SCORED bytes on, again when it has grown by GROWN, or GROWN_EARLY below FEW_BYTES."""
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
PACKED, PACKED_SOUGHT = -1.5, 2048
"""Ratio where a message decodes as a compressed form without a head, and bytes of noise within which it is tried."""
FRONT, CHOICE, SURE = 64, 0.5, 2.5
"""Bytes that may stand before ciphertext; nats that a choice of two beginnings costs; ratio that needs none."""
UNDECIDED, UNHEARD = 1.4, 1.9
"""Ratio at most of messages that may be frames of sound, and while there are too few to say it of any."""
HEADS = 16
"""Messages at whose start a head is looked for."""


class Direction:
    """What one direction of a flow has sent. `ratio`: log-likelihood ratio (nats) of ciphertext in it."""

    __slots__ = (
        "_checked",
        "_codec",
        "_film",
        "_follower",
        "_heads",
        "_layout",
        "_past",
        "_ratio",
        "_score",
        "_scored",
        "_sizes",
        "_tables",
        "_text",
        "_text_checked",
        "_text_ratio",
        "_tried",
        "_tried_behind",
        "clear",
        "encoding",
        "name",
        "noise",
        "packed",
        "sent",
        "size",
        "stripped",
    )

    def __init__(self, score: Score, tables: Tables | None = None) -> None:
        self._score = score
        self._tables = tables or Tables()
        self._follower: Follower | None = Follower()
        self._heads = self._checked = 0
        self._past = self._ratio = self._text_ratio = 0.0
        self._sizes: list[int] = []
        self._layout: Layout | None = None
        self._scored = False
        self._text = bytearray()
        self._text_checked = 0
        self._codec = Codec()
        self._tried = self._tried_behind = 0
        self._film = Film()
        self.packed: str | None = None
        """The format without a head that a message decodes as."""
        self.size = 0
        self.sent: list[int] = []
        self.clear = 0
        """Bytes that were text or plain at a glance."""
        self.noise = bytearray()
        """Bytes for the statistics, at most PIECE."""
        self.name: str | None = None
        """The structure that is followed."""
        self.encoding: str | None = None
        """The encoding that was decoded, when what is inside is ciphertext."""
        self.stripped: Stripped | None = None
        """The noise that was scored last, without its framing."""

    @property
    def ratio(self) -> float:
        """Log-likelihood ratio (nats) of ciphertext: what was set aside, and what is scored now."""
        if self.name is not None:
            return KNOWN
        ratio = self._past + self._ratio
        if self.encoding is not None:
            return max(ratio, self._text_ratio)
        return ratio if self._scored or self.clear < LEAST else PLAIN

    def update(self, payload: bytes) -> None:
        """Add the next payload; never raises."""
        self.size += len(payload)
        self._film.add(payload)
        if self._follower is not None:
            if not self._follow(self._follower, payload):
                return
        elif self._heads < HEADS and len(payload) >= FIRST_LOOK and self._begin(payload):
            return
        self._sort(payload)

    # --- structure --------------------------------------------------------------------------------------------------

    def _follow(self, follower: Follower, payload: bytes) -> bool:
        """Follow a structure, or look for one; True when the payload goes to the statistics."""
        before = follower.name
        follower.add(payload)
        if not follower.due:
            return before is None
        broken = follower.look()
        self.name = follower.name
        if follower.hidden:
            self._score_inner("structure", follower.hidden)
        if follower.ended:
            self._follower = None
        if self.name is not None and before is None:
            self._forget_noise()
        for part in broken:
            self._sort(part)
        return self.name is None and before is None

    def _begin(self, payload: bytes) -> bool:
        """Return True if a later message begins with a known structure: follow it."""
        self._heads += 1
        if within(payload) is None:
            return False
        follower = Follower()
        follower.add(payload)
        follower.look()
        if follower.name is None:
            return False
        self.name, self._follower = follower.name, None if follower.ended else follower
        return True

    def _forget_noise(self) -> None:
        self.noise.clear()
        self._sizes.clear()
        self.sent.clear()
        self._checked = 0
        self._ratio = 0.0
        self._layout = None
        self.packed, self._tried = None, 0

    # --- text and noise ---------------------------------------------------------------------------------------------

    def _sort(self, payload: bytes) -> None:
        kind, payload = gate.read(payload)
        if kind != "text" and (dense := without_constants(payload)):
            self._sort(dense)
            return
        if kind == "noise":
            front = gate.text_in_front(payload)
            self.clear += front
            self._add_noise(payload[front:], len(payload))
            return
        self.clear += len(payload)
        if (room := TEXT - len(self._text)) > 0:
            self._text += payload[:room]
            if len(self._text) >= max(128, 1.5 * self._text_checked):
                self._text_checked = len(self._text)
                self._decode()

    def _decode(self) -> None:
        found = decode(text := bytes(self._text))
        if found is None or introduced(found.inner) is not None or gate.look(found.inner) != "noise":
            self.encoding, self._text_ratio = None, 0.0
            return
        self._score_inner(found.name, found.inner, weight(found, text))

    def _score_inner(self, name: str, inner: bytes, spelt: float = 0.0) -> None:
        """Score bytes that were inside an encoding, which speaks so much itself, or a structure that gains nothing."""
        self.stripped = strip(inner, [len(inner)])
        ratio = self._score(self.stripped) if len(self.stripped.residual) >= LEAST else 0.0
        self.encoding, self._text_ratio = (name, ratio + spelt) if ratio > 0 else (None, ratio)

    def _add_noise(self, payload: bytes, sent: int) -> None:
        while payload:
            room = PIECE - len(self.noise)
            self.noise += payload[:room]
            self._sizes.append(min(len(payload), room))
            self.sent.append(sent)
            size = len(self.noise)
            grown = GROWN_EARLY if size < FEW_BYTES else GROWN
            if size >= max(FIRST_SCORED, grown * self._checked) or size == PIECE:
                self._checked = size
                self._weigh()
            payload = payload[room:]

    def _weigh(self) -> None:
        self._scored = True
        data = bytes(self.noise)
        stripped = self._take(strip(data, self._sizes, self._layout, self.sent, seek=False))
        if not (self._layout or stripped.header) and self._ratio < SURE and has_records(data, self._sizes, self.sent):
            stripped = self._take(strip(data, self._sizes, None, self.sent))
        if self._ratio < SURE and not self._layout and (bare := without_stuffing(data)):
            self._take(strip(bare, [len(bare)]))
        if CLEAR < self._ratio < SURE:
            self._score_without_front()
        if self._ratio > 0:
            self._seek_packed(data)
        if self.packed in ("frames", "rows") or (self.packed == "film" and not self._is_film()):
            self.packed = None
        if self._ratio > 0 and self.packed is None:
            if not stripped.header and units_of_video(cut(data, self._sizes)):
                self.packed = "start-codes"
            elif self._is_film():
                self.packed = "film"
        if self._ratio > UNDECIDED and self.packed is None:
            joined = join_segments(self._sizes, self.sent)
            found = self._codec.told(data, joined, self._layout, again=self._past < 0)
            self.packed = "frames" if found else None
            if found is None or stripped.leaves_sums or sums_behind_text(self._sizes, self.sent):
                self._ratio = min(self._ratio, UNHEARD if len(joined) < FEW else UNDECIDED)
            elif self._tables.hold(data, len(joined), self.size):
                self.packed = "rows"
        if self.packed is not None:
            self._ratio = min(self._ratio, PACKED)
        if self._ratio <= CLEAR and len(data) >= CLEARED:
            self._past = max(self._past + self._ratio, PAST)
            self._forget_noise()
        elif len(data) >= PIECE:
            least = PAST if self.packed == "rows" else 2 * PACKED
            self._past = max(self._past + self._ratio * (DISCOUNT if self.packed is None else 1), least)
            self._forget_noise()

    def _take(self, stripped: Stripped) -> Stripped:
        self.stripped, self._layout = stripped, stripped.layout
        self._ratio = self._score(stripped) if len(stripped.residual) >= LEAST else 0.0
        return stripped

    def _seek_packed(self, data: bytes) -> None:
        """Try the messages that were not tried, all again once behind a longer header."""
        header = self.stripped.header if self.stripped is not None else 0
        if header >= SOUGHT > self._tried_behind:
            self._tried = 0
        self._tried_behind = max(header, self._tried_behind)
        if self.packed is None and sum(self._sizes[: self._tried]) < PACKED_SOUGHT:
            messages = cut(data, self._sizes)
            self.packed = packed(messages[self._tried :], header)
            self._tried = len(messages)
        self.packed = self.packed or frame_within(data)

    def _is_film(self) -> bool:
        """Frames of video in messages: they began with a key frame or parameter sets, and go on as they must."""
        header = None if self.stripped is None else self.stripped.header
        return self._film.holds(cut(bytes(self.noise), join_segments(self._sizes, self.sent)), header)

    def _score_without_front(self) -> None:
        """Score the noise without its first payload: a header, a key, or a head that nothing fits to."""
        ends = enumerate(accumulate(self._sizes), 1)
        place, front = next((found for found in ends if found[1] >= FRONT), (0, len(self.noise)))
        if len(self.noise) - front < CLEARED:
            return
        rest = strip(bytes(self.noise[front:]), self._sizes[place:], None, self.sent[place:])
        if len(rest.residual) >= LEAST and (ratio := self._score(rest) - CHOICE) > self._ratio:
            self._ratio, self.stripped = ratio, rest

    def finish(self) -> None:
        """Score what came since the last time."""
        if self._follower is not None and self.name is not None:
            broken = self._follower.look()
            self.name = self._follower.name
            for part in broken:
                self._sort(part)
        if len(self.noise) > self._checked and len(self.noise) >= LEAST:
            self._checked = len(self.noise)
            self._weigh()
