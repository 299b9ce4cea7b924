"""Bytes that are compressed without a mark: Deflate, LZ4, Snappy, LZMA and Brotli in messages, video from the middle.

Random bytes break a decoder within a few bytes, so one message that decodes for a hundred bytes and gains is a proof.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from .brotli_head import brotli
from .lz import lz4_block, snappy_raw
from .lzma_raw import lzma2_raw, lzma_raw

SOUGHT: Final = 12
"""Bytes of header behind which a stream is looked for."""
PROOF: Final = 48
GAIN: Final = 1.06
"""Bytes that a decoder must have taken without complaint, and the output over input that it must have gained."""
TRIED: Final = 4
"""Messages that are tried."""


def packed(messages: Iterable[bytes], header: int) -> str | None:
    """Name the format that one of the first messages decodes as, or None. `header`: bytes that framing explained."""
    tried = 0
    for message in messages:
        if len(message) < PROOF + header:
            continue
        starts = sorted({header, *range(SOUGHT)})
        if any(_inflates(message[start:]) for start in starts):
            return "deflate"
        if any(lz4_block(message[start:]) for start in {header, 0, 2, 4, 8}):
            return "lz4"
        if any(snappy_raw(message[start:]) for start in {header, 0, 2, 4, 8}):
            return "snappy"
        if any(lzma_raw(message, at) or lzma2_raw(message, at) for at in range(max(header, SOUGHT) + 1)):
            return "lzma"  # its first bytes are often the same, so a part of the header
        if tried == 0 and any(brotli(message[start:]) for start in {header, 0, 2, 3, 4, 8}):
            return "brotli"
        tried += 1
        if tried == TRIED:
            break
    return None


def _inflates(data: bytes) -> bool:
    if data[0] & 6 not in (2, 4):  # a block with fixed or dynamic codes
        return False
    decoder = zlib.decompressobj(-15)
    try:
        output = decoder.decompress(data, 1 << 16)
    except zlib.error:
        return False
    used = len(data) - len(decoder.unused_data) - len(decoder.unconsumed_tail)
    return used >= PROOF and len(output) >= GAIN * used and len(decoder.unused_data) <= 8


_UNIT: Final = re.compile(
    rb"\x00\x00\x01"
    rb"(?:[\x01\x05-\x09\x21\x25\x27\x28\x41\x45\x61\x65\x67\x68]|[\x02\x26\x28\x2a\x40\x42\x44\x4e]\x01)",
    re.DOTALL,
)
"""Start code and header of a unit: H.264's one byte, H.265's two."""


_KEY_FRAME: Final = re.compile(
    rb"[\x10-\x16\x30-\x36\x50-\x56\x70-\x76\x90-\x96\xb0-\xb6\xd0-\xd6\xf0-\xf6]..\x9d\x01\x2a.[\x00-\x0f].[\x00-\x0f]"
    rb"|[\x82\x83\xa2\xa3]\x49\x83\x42"
    rb"|\x12\x00\x0a[\x05-\x14][\x00-\x4f]",
    re.DOTALL,
)
"""Tag, start code and dimensions of VP8 (RFC 6386 section 9.1); frame header and sync code of VP9 (bitstream
specification, section 6.2); a temporal delimiter and a sequence header of AV1 (section 5.5)."""


_CODES: Final = (b"\x9d\x01\x2a", b"\x49\x83\x42", b"\x12\x00\x0a")


def key_frame(data: bytes) -> bool:
    """A key frame of VP8, VP9 or AV1 begins in the noise: one place in a thousand million random ones."""
    return any(code in data for code in _CODES) and _KEY_FRAME.search(data) is not None


_AVC: Final = frozenset((1, 5, 6, 7, 8, 9))
_HEVC: Final = frozenset((0, 1, 19, 20, 21, 32, 33, 34, 35, 39))


def units_with_lengths(data: bytes) -> bool:
    """Units of H.264 or H.265 with lengths of four bytes before them begin the data, behind a header of at most SOUGHT
    bytes, parameter sets first: as MP4 and RTMP carry them (ISO/IEC 14496-15).
    """
    if 0 not in data[:SOUGHT]:  # the first byte of a length
        return False
    for start in range(SOUGHT):
        seen = _chained_units(data, start)[0]
        if len(seen) > 1 and (seen[0] & 31, seen[1] & 31) in ((7, 8), (9, 7)):
            return True
        if [unit >> 1 for unit in seen[:3]] == [32, 33, 34]:
            return True
    return False


def _chained_units(data: bytes, place: int) -> tuple[list[int], int]:
    """Return the first bytes of the units that lengths lead through, and where the last ends."""
    seen: list[int] = []
    while place + 6 <= len(data) and len(seen) < 8:
        size, first, second = int.from_bytes(data[place : place + 4], "big"), data[place + 4], data[place + 5]
        if first & 0x80 or not (first & 31 in _AVC or (second == 1 and first >> 1 in _HEVC)) or not 2 <= size < 1 << 20:
            break
        seen.append(first)
        place += 4 + size
    return seen, place


def goes_on(messages: Sequence[bytes], header: int) -> bool | None:
    """Return whether messages go on as frames of the video that they began as; None while there are too few.

    All begin, behind their header, with the marker of VP9 or the tag of VP8, or consist of units with lengths.
    """
    whole = [message for message in messages[1:][:-1] if len(message) > header + 8]
    if len(whole) < 2:
        return None
    places = range(max(header, SOUGHT) + 1)  # what frames have in common behind the marker is taken for a header too
    if any(all(message[at] & 0xC0 == 0x80 for message in whole) for at in places):
        return True
    if any(all(message[at] & 0x1E == 0x10 for message in whole) for at in places):
        return True
    return any(all(_chained_units(message, at)[1] == len(message) for message in whole) for at in range(SOUGHT))


_OPENED: Final = 64
"""Bytes of a message in which a start code may be a length or an address."""


def units_of_video(messages: Iterable[bytes]) -> bool:
    """A unit of H.264 or H.265 begins in the noise, behind a start code of Annex B: one place in 250 million random
    ones. Three messages must begin with one: a length of 256 to 511 bytes looks like it, and so does 10.0.0.1.
    """
    begun = 0
    for message in messages:
        if b"\0\0\1" not in message or message.count(b"\0\0\1") > 64:
            continue
        found = _UNIT.search(message)
        if found is not None and (found.start() >= _OPENED or _UNIT.search(message, _OPENED)):
            return True
        begun += found is not None
    return begun > 2


OPENING: Final = 1024
"""Bytes from the start within which the opening of a video in frames is looked for."""


class Film:
    """A video in messages: whether it opened with a key frame or parameter sets, and goes on as it must."""

    __slots__ = ("_opening", "_seen", "_sought")

    def __init__(self) -> None:
        self._opening = bytearray()
        self._seen = self._sought = False

    def add(self, payload: bytes) -> None:
        """Add a payload; those behind the opening are not kept."""
        if len(self._opening) < OPENING:
            self._opening += payload[:OPENING]

    def holds(self, messages: Sequence[bytes], header: int | None) -> bool:
        """Return whether messages, behind a header of so many bytes that framing explained, are frames of the video."""
        if not self._sought:
            opening = bytes(self._opening)
            self._seen = key_frame(opening) or units_with_lengths(opening)
            self._sought = len(opening) >= OPENING
            return self._seen
        if self._seen and header is not None:
            self._seen = goes_on(messages, header) is not False
        return self._seen
