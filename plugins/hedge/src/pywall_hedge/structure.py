"""The registry of known structures, and the questions that parsers of one structure ask about what is inside or behind.

A leaf of the package: parsers import it, `pywall_hedge.heads` fills it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple, TypeAlias

Holds: TypeAlias = Callable[[bytes], bool]
Behind: TypeAlias = Callable[[bytes], int | None]
Unmarked: TypeAlias = Iterable[tuple[str, Holds, bytes]]
"""Name, parser and the bytes that the first one is among."""

SLACK: Final = 64
NEXT: Final = 4096
"""Bytes behind the end of a structure that may be anything (trailers, a line of text); bytes of what follows that must
be another structure."""
SAMPLE: Final = 16384
"""Bytes of a decoder's output that are looked at."""
LEAST_DECODED: Final = 256
"""Bytes of output below which a decoder's output proves nothing."""
GAIN: Final = 1.06
"""Output over input from which a compressor has earned its name: ciphertext in Deflate, PNG or zip gains nothing."""

OWN_HEADER: Final = 80
_AHEAD: Final = 24
"""Bytes of an unknown header, at most, that may stand before a known structure, and of a mark behind it."""
ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""Magic number of Zstandard's frames (RFC 8878, section 3.1.1)."""

BUDGET: Final = 256
"""Structures inside or behind others that one look examines at most."""

_by_first: dict[int, list[tuple[bytes, str, Holds]]] = defaultdict(list)
_unmarked: list[list[tuple[str, Holds]]] = [[] for _ in range(256)]
"""Formats without a magic number, by the first byte that they may have."""
_seen_as: dict[bytes, bytes] = {}
_behind: list[Behind] = []


class Decoded(NamedTuple):
    """What a decoder made of the bytes: `end` is the offset behind the stream (the number of bytes when it has not
    ended), `size` the number of bytes that came out, `output` the first of them (at most SAMPLE)."""

    end: int
    size: int
    output: bytes


class _Look:
    """One look at some bytes: its work is bounded, as structures may be nested and follow each other without end, and
    what a decoder found that gained nothing is kept."""

    __slots__ = ("_depth", "_left", "hidden")

    def __init__(self) -> None:
        self._depth, self._left = 0, BUDGET
        self.hidden = b""

    def spend(self) -> bool:
        if self._depth == 0:
            self._left, self.hidden = BUDGET, b""
        if self._left <= 0:
            return False
        self._left -= 1
        self._depth += 1
        return True

    def leave(self) -> None:
        self._depth -= 1


_look: Final = _Look()


def register(
    magic: Mapping[bytes, tuple[str, Holds]], unmarked: Unmarked = (), *, seen_as: Mapping[bytes, bytes] | None = None
) -> None:
    """Add a parser module's tables: magic number -> name and parser; formats without a magic.

    `seen_as`: regular expressions by which `within` looks for magic numbers that are too common, instead of theirs.
    """
    for start, (name, holds) in magic.items():
        _by_first[start[0]].append((start, name, holds))
    for name, holds, firsts in unmarked:
        for first in firsts:
            _unmarked[first].append((name, holds))
    _seen_as.update(seen_as or {})


def look_behind(find: Behind) -> None:
    """Have a format without a magic number looked for behind an own header, whose size `find` returns, or None."""
    _behind.append(find)


def examine(data: bytes) -> str | None:
    """Return the name of the compressed format whose head `data` is, or None. Never raises.

    `data`: the first bytes of a stream, as many as there are. Asked again with more bytes it may answer None where it
    named a format before: what followed did not fit.
    """
    if len(data) < 16 or not _look.spend():
        return None
    try:
        for magic, name, holds in _by_first.get(data[0], ()):
            if data.startswith(magic) and holds(data):
                return name
        for name, holds in _unmarked[data[0]]:
            if holds(data):
                return name
        return None
    except (IndexError, MemoryError, RecursionError):
        return None  # a header cut short where a parser looked ahead
    finally:
        _look.leave()


def marked(data: bytes) -> bool:
    """Return True if the bytes begin with some format's magic number, or a frame's sync word, whatever follows."""
    if data[:1] == b"\xff" and data[1:2] >= b"\xe0":
        return True
    return bool(data) and any(len(magic) > 1 and data.startswith(magic) for magic, _, _ in _by_first.get(data[0], ()))


def within(data: bytes) -> int | None:
    """Return the offset, 0 to OWN_HEADER, at which a known structure begins that has a magic number of two bytes or
    more, or none and follows a header of a usual size; or None."""
    pattern = _pattern()
    place = 0
    while (found := pattern.search(data, place, OWN_HEADER + _AHEAD)) and found.start() <= OWN_HEADER:
        if examine(data[found.start() :]) is not None:
            return found.start()
        place = found.start() + 1
    if data.find(b"\0\0\0", OWN_HEADER + 1, OWN_HEADER + 12) >= 0:
        return None  # a decoder of LZMA takes runs of zeros for its own, which no encoder writes
    for find in _behind:
        if (behind := find(data)) is not None:
            return behind
    return None


def frame_within(data: bytes) -> str | None:
    """Return the name of a compressed frame that begins within the data with a magic number of four bytes, or None: the
    columns of a table each have one. One place in 100,000 of 16 KiB of random bytes has the magic number alone.
    """
    place = data.find(ZSTD)
    while place >= 0:
        following = data.find(ZSTD, place + 4)
        if (name := examine((data[:following] if following > 0 else data)[place:])) is not None:
            return name
        place = following
    return None


@cache
def _pattern() -> re.Pattern[bytes]:
    magics = {magic for table in _by_first.values() for magic, _, _ in table if len(magic) > 2}
    zlib = rb"[\x18-\x78][\x01\x5e\x9c\xda]"
    marks = [_seen_as.get(magic) or re.escape(magic) for magic in sorted(magics)]
    blosc = rb"[\x02\x05]\x01.[^\0]..[\x00-\x3f]\x00..[\x00-\x3f]\x00"
    all_marks = b"|".join([*marks, rb"\x1f\x8b\x08", rb"\xff[\xfb\xf3\xf1\xf9\x0a]", zlib, blosc])
    starts = {magic[:2] for magic in magics} | {b"\x1f\x8b", b"\x02\x01", b"\x05\x01", b"\xff\x0a"}
    starts |= {bytes((255, second)) for second in b"\xfb\xf3\xf1\xf9"}
    first, second = (b"[" + re.escape(bytes({start[at] for start in starts})) + b"]" for at in (0, 1))
    glance = b"(?=" + first + second + b"|" + zlib + b")"  # at most places there is neither
    return re.compile(glance + b"(?:" + all_marks + b")", re.DOTALL)


def inside(data: bytes) -> bool:
    """Return True if the content of an uncompressed entry is itself a known structure."""
    return examine(data) is not None


def fits_behind(data: bytes, end: int) -> bool:
    """Return True if what follows a structure that ended at `end` is little, padding, or a known structure as
    well.

    Ciphertext behind a whole small file would else be taken for more of it.
    """
    rest = data[end:].lstrip(b"\0")
    return len(rest) < SLACK or inside(rest[:NEXT]) or within(rest[:NEXT]) is not None


def earned(packed: int, decoded: Decoded) -> bool:
    """A compressor that took `packed` bytes gained something, or holds a known compressed form, or not much was seen.

    Random bytes in Deflate's stored blocks, in a PNG or in a gzip gain nothing: they are classified as what they are.
    """
    if decoded.size < LEAST_DECODED or decoded.size >= GAIN * packed:
        return True
    if not looks_random(decoded.output) or inside(decoded.output):
        return True
    _look.hidden = decoded.output
    return False


def holds_content(stored: bytes) -> bool:
    """Return True for what a container holds as it is unless it looks random and is no known structure: that is
    classified as what it is."""
    if not looks_random(stored) or inside(stored):
        return True
    _look.hidden = stored[:SAMPLE]
    return False


def hidden() -> bytes:
    """Return what a decoder found in the bytes that `examine` was asked about last, where it looks random: empty
    otherwise.
    """
    return _look.hidden


def looks_random(data: bytes) -> bool:
    """Return True if the bytes are as evenly spread as random ones: chi-square within five deviations, no value of a
    byte preferred.

    `data`: of any length; fewer than 256 bytes never look random.
    """
    size = len(data)
    if size < LEAST_DECODED:
        return False
    import numpy as np

    counts = np.bincount(np.frombuffer(data, dtype=np.uint8), minlength=256)
    return int(counts @ counts) * 256 / size - size < 255 + 5 * 22.6
