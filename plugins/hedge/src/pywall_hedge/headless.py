"""Bytes that are compressed without a head: raw Deflate, LZ4 and Snappy blocks in messages, video from the middle.

Random bytes break a decoder within a few bytes, so one message that decodes for a hundred bytes and gains is a proof.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

from .lz import lz4_block, snappy_raw

SOUGHT = 12
"""Bytes of header behind which a stream is looked for."""
PROOF, GAIN = 48, 1.06
"""Bytes that a decoder must have taken without complaint, and the output over input that it must have gained."""
TRIED = 4
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


_UNIT = re.compile(
    rb"\x00\x00\x01"
    rb"(?:[\x01\x05-\x09\x21\x25\x27\x28\x41\x45\x61\x65\x67\x68]|[\x02\x26\x28\x2a\x40\x42\x44\x4e]\x01)",
    re.DOTALL,
)
"""Start code and header of a unit: H.264's one byte, H.265's two."""


_KEY_FRAME = re.compile(rb"..\x9d\x01\x2a.[\x00-\x0f].[\x00-\x0f]", re.DOTALL)


def key_frame(data: bytes) -> bool:
    """A key frame of VP8 begins in the noise: tag, start code and dimensions (RFC 6386 section 9.1), as one place in
    25 thousand million random ones."""
    found = _KEY_FRAME.search(data, 1)
    return found is not None and data[found.start() - 1] & 0x19 == 0x10  # shown, not predicted, version 0 to 3


def units_of_video(data: bytes) -> bool:
    """A unit of H.264 or H.265 begins in the noise, behind a start code of Annex B: one place in 250 million random
    ones."""
    return data.count(b"\0\0\1") <= 64 and _UNIT.search(data) is not None


SPOKEN = 10
"""Messages from which packets of Opus are told from messages that begin with the same byte."""


def opus_packets(messages: Sequence[bytes], header: int) -> bool | None:
    """Return whether messages are packets of Opus without a container (RFC 6716 section 3.1); None when they may be.

    The byte of the configuration is the same in all of them but one, that of hybrid or CELT frames, one a packet; and
    from SPOKEN messages on the three bits behind it, where the range coder starts, are uneven. Opus is as good as
    random for the rest. `header`: bytes that framing explained, the configuration among them or next.
    """
    sized = [message for message in messages if 16 <= len(message) - header <= 1275]
    if len(sized) < 4 or 10 * len(sized) + 10 < 9 * len(messages):
        return False
    for place in range(max(header - 4, 0), header + 1):
        value, often = Counter(message[place] for message in sized).most_common(1)[0]
        if often < len(sized) - 1 or value < 0x60 or value & 3:
            continue
        number = len(sized)
        if number < SPOKEN:
            return None
        following = [message[place + 1] for message in sized]
        if max(following) < 0x20 or len(set(following)) == 1:  # a type, a length, a constant
            continue
        pairs = number * (number - 1) / 2
        same = sum(count * (count - 1) / 2 for count in Counter(byte >> 5 for byte in following).values())
        excess = (same - pairs / 8) / (pairs * 7 / 64) ** 0.5
        if excess > 1 or number < 2 * SPOKEN:
            return True if excess > 3 else None
    return False
