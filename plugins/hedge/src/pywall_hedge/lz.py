"""LZ4, LZO and Snappy: byte-wise formats, whose matches must reach back into what was produced already.

Same contract as `pywall_hedge.archives`.
"""

from __future__ import annotations

import zlib
from typing import Final

from .integers import little
from .structure import holds_content, inside

LZ4: Final = b"\x04\x22\x4d\x18"
"""Magic number of LZ4 frames."""


_FIRST: Final = b"|".join(b"[\\x%x0-\\x%xf].{%d}[\\1-\\x%02x]\\0" % (size, size, size, size) for size in range(1, 15))
SIZED: Final = rb"(?=.(?:" + _FIRST + rb"|[\xf0-\xff]))"
"""What may follow the first three bytes of a size before a block: a first match reaches back into its literals."""


def lz4_frame(data: bytes) -> bool:
    """Frame descriptors with their checksum (LZ4 Frame Format 1.6), then sequences of the first block that
    compressed; of blocks that did not, what is in them."""
    stored, place = b"", 0
    while len(data) >= place + 24 and data.startswith(LZ4, place):
        end = _behind_descriptor(data, place)
        if not end:
            return False
        while (size := little(data, end, 4)) > 0 and end + 4 < len(data):
            if size & 0x7FFFFFFF > 1 << 8 + 2 * (data[place + 5] >> 4):
                return False
            if not size >> 31:
                return lz4_sequences(data[end + 4 : end + 4 + size]) is not None
            size &= 0x7FFFFFFF
            stored += data[end + 4 : end + 4 + size]
            end += 4 + size + (data[place + 4] >> 2 & 4)
        place = end + 4 + (data[place + 4] & 4)
    return place > 0 and holds_content(stored)


def _behind_descriptor(data: bytes, place: int) -> int:
    """Return the offset behind a frame's descriptor, 0 where there is none."""
    flags, block = data[place + 4], data[place + 5]
    end = place + 6 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)
    holds = flags & 0xC2 == 0x40 and not block & 0x8F and block >> 4 >= 4 and end < len(data)
    return end + 1 if holds and data[end] == _xxh32_short(data[:end][place + 4 :]) >> 8 & 0xFF else 0


def _xxh32_short(data: bytes) -> int:
    """xxHash32 of fewer than 16 bytes, seed 0."""
    mask, first, second, third, fourth, fifth = 0xFFFFFFFF, 2654435761, 2246822519, 3266489917, 668265263, 374761393
    value = fifth + len(data)
    for at in range(0, len(data) - 3, 4):
        value = (value + little(data, at, 4) * third) & mask
        value = ((value << 17 | value >> 15) & mask) * fourth & mask
    for byte in data[len(data) & ~3 :]:
        value = (value + byte * fifth) & mask
        value = ((value << 11 | value >> 21) & mask) * first & mask
    value = (value ^ value >> 15) * second & mask
    value = (value ^ value >> 13) * third & mask
    return value ^ value >> 16


def lz4_sequences(data: bytes, place: int = 0) -> int | None:
    """Walk LZ4 sequences from `place` as far as the bytes go; how many matches there were, None when one reaches before
    the start."""
    produced = matches = 0
    size = len(data)
    while place < size:
        token = data[place]
        literals, length = token >> 4, token & 15
        place += 1
        if literals == 15:
            literals, place = _longer(data, place)
        place += literals
        produced += literals
        if place + 2 > size:
            return matches
        offset = data[place] | data[place + 1] << 8
        place += 2
        if not 0 < offset <= produced:
            return None
        if length == 15:
            length, place = _longer(data, place)
        produced += length + 4
        matches += 1
    return matches


def _longer(data: bytes, place: int) -> tuple[int, int]:
    """Return a length that is 15 and the bytes from `place` up to the first below 255, and the place behind them."""
    length = 15
    while place < len(data):
        byte = data[place]
        length += byte
        place += 1
        if byte != 255:
            break
    return length, place


def lz4_block(data: bytes) -> bool:
    """A bare block, with or without its size before it: enough matches that all reach back into what was produced."""
    return any(_may_begin(data, place) and (lz4_sequences(data, place) or 0) >= 3 for place in (0, 4))


def _may_begin(data: bytes, place: int) -> bool:
    """Return whether the first match from `place` on reaches back into the literals before it, or these are many."""
    literals = data[place] >> 4 if place < len(data) else 0
    behind = place + 1 + literals
    match = data[behind : behind + 2]
    return literals == 15 or (len(match) == 2 and match[1] == 0 < match[0] <= literals)


def lzop(data: bytes) -> bool:
    """Header with its Adler-32 (lzop 1.x), then the sizes of the first block."""
    if len(data) < 47 or not b"\x09\x40" <= data[9:11] <= b"\x10\xff":
        return False
    end = 34 + data[33]
    if len(data) < end + 12 or zlib.adler32(data[:end][9:]) != int.from_bytes(data[end : end + 4], "big"):
        return False
    plain, packed = (int.from_bytes(data[at : at + 4], "big") for at in (end + 4, end + 8))
    return 0 < packed <= plain <= 1 << 26


def snappy_tags(data: bytes) -> int | None:
    """Walk the elements of a raw Snappy stream; how many copies there were, None when one is impossible."""
    length = shift = place = 0
    while place < min(5, len(data)):
        length |= (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 128:
            break
    else:
        return None
    produced = copies = 0
    while place < len(data):
        tag, kind = data[place] >> 2, data[place] & 3
        if kind == 0:
            wide = max(tag - 59, 0)
            count = little(data, place + 1, wide) + 1 if wide else tag + 1
            place += 1 + wide + count
        else:
            if place + (2, 3, 5)[kind - 1] > len(data):
                break
            count = (tag & 7) + 4 if kind == 1 else tag + 1
            offset = (data[place] >> 5) << 8 | data[place + 1] if kind == 1 else little(data, place + 1, 2 * kind - 2)
            if not 0 < offset <= produced:
                return None
            place += (2, 3, 5)[kind - 1]
            copies += 1
        produced += count
        if produced > length:
            return None
    return copies


def snappy_raw(data: bytes) -> bool:
    """No magic number: three copies or more that all reach back into what was produced."""
    if len(data) > 1 and data[0] < 128 and (data[1] & 3 or data[0] <= data[1] >> 2 < 60):
        return False  # a copy of nothing, or more bytes than all, as of most that is no Snappy
    return (snappy_tags(data) or 0) >= 3


def snappy_framed(data: bytes) -> bool:
    """Stream identifier, then a first chunk of at most 64 KiB (framing format)."""
    kind, size = data[10:11], little(data, 11, 3)
    if kind == b"\x00":
        return len(data) > 30 and 4 < size <= 76_494 and snappy_tags(data[: 14 + size][18:]) is not None
    return kind == b"\x01" and 4 < size <= 65_540 and inside(data[18:])


def lzfse(data: bytes) -> bool:
    """Blocks of LZFSE, each where the one before ends (its reference implementation's header of version 2), or LZVN's
    and copied ones."""
    place = blocks = 0
    while place + 32 <= len(data):
        kind = data[place : place + 4]
        if kind == b"bvx$":
            return blocks > 0
        plain, first, second, third = (
            little(data, place + at, size) for at, size in ((4, 4), (8, 8), (16, 8), (24, 4))
        )
        if kind == b"bvxn" and plain <= 1 << 16:
            size = 12 + little(data, place + 8, 4)
        elif kind == b"bvx2" and third < 1 << 16 and 4 * (first & 0xFFFFF) >= (first >> 20 & 0xFFFFF):
            size = third + (first >> 20 & 0xFFFFF) + (second >> 40 & 0xFFFFF)
        else:
            return False
        if not 32 <= size <= 2 * plain or first >> 40 & 0xFFFFF > 10_000:
            return False
        place, blocks = place + size, blocks + 1
    return blocks > 0
