"""Heads of compressed archives and streams, decoded as far as the bytes go.

Each function takes the bytes from the start of a stream (any length) and says whether the structure holds *and* is
enough of it to convince: random bytes behind the right magic number are refused. None of them raises.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

from . import lz
from .brotli_head import brotli
from .integers import little
from .structure import SAMPLE, Decoded, earned, fits_behind, holds_content, inside

ENOUGH = 20
"""Bytes behind a fixed header below which a decoder that has not complained yet proves nothing."""

_OUTPUT = 1 << 20


def deflate(data: bytes, start: int = 0, *, wrapped: bool = False) -> Decoded | None:
    """Decode Deflate (RFC 1951), in zlib's wrapper (RFC 1950) when `wrapped`, from `start`.

    Returns None when it is not Deflate.
    """
    decoder = zlib.decompressobj(15 if wrapped else -15)
    try:
        output = decoder.decompress(data[start:], _OUTPUT)
    except zlib.error:
        return None
    end = len(data) - len(decoder.unused_data) if decoder.eof else len(data)
    return Decoded(end - len(decoder.unconsumed_tail), len(output), output[:SAMPLE])


def deflate_earned(data: bytes, start: int = 0, *, wrapped: bool = False) -> int | None:
    """Return the offset behind a Deflate stream that gains something, len(data) when it has not ended, else None."""
    decoded = deflate(data, start, wrapped=wrapped)
    if decoded is None or not earned(decoded.end - start, decoded):
        return None
    return decoded.end if decoded.size < _OUTPUT else len(data)


def zlib_stream(data: bytes) -> bool:
    """RFC 1950."""
    if (data[0] << 8 | data[1]) % 31 or len(data) <= ENOUGH:
        return False
    end = deflate_earned(data, wrapped=True)
    return end is not None and fits_behind(data, end)


def gzip(data: bytes) -> bool:
    """RFC 1952: members one after the other, then nothing but zero bytes or another known structure."""
    place = 0
    while data.startswith(b"\x1f\x8b\x08", place):
        body = _gzip_body(data, place)
        if len(data) - body < ENOUGH:
            return place > 0
        end = deflate_earned(data, body) if body else None
        if end is None:
            return False
        if len(data) - end < 8:
            return True
        place = end + 8
    return place > 0 and fits_behind(data, place)


def _gzip_body(data: bytes, place: int) -> int:
    """Return the offset behind a member's header; 0 when it is none, len(data) when it has not ended."""
    flags, body = data[place + 3] if place + 3 < len(data) else 0, place + 10
    if flags & 0xE0:
        return 0
    if flags & 4:
        body += 2 + little(data, body, 2)
    for flag in (8, 16):
        if flags & flag:
            body = data.find(b"\0", body, body + 4096) + 1
            if not body:
                return 0
    return body + 2 * (flags >> 1 & 1)


def zip_archive(data: bytes) -> bool:
    """Local file headers and what they hold (PKWARE APPNOTE 4.3.7); False when the first entry is encrypted."""
    place, stored = 0, b""
    while data[place : place + 4] == b"PK\x03\x04" and len(data) >= place + 30:
        version, flags, method = (little(data, place + at, 2) for at in (4, 6, 8))
        size, names, extra = little(data, place + 18, 4), little(data, place + 26, 2), little(data, place + 28, 2)
        body = place + 30 + names + extra
        name = data[place + 30 : place + 30 + names]
        if version & 0xFF > 63 or flags & 1 or not 0 < names < 1024 or b"\0" in name:
            return False
        if method == 8:
            if len(data) - body < ENOUGH:
                return place > 0
            end = deflate_earned(data, body)
            if end is None:
                return False
            if end == len(data):
                return True
            signed = 4 * (data[end : end + 4] == b"PK\7\x08")  # of the data descriptor, 4.3.9.3: optional
            place = data.find(b"PK", end + signed, end + signed + 24) if flags & 8 else end
            if place < 0:
                return len(data) - end < 28
        elif method == 0 and not flags & 8:
            if len(data) < body + size:
                return inside(data[body:])
            place = body + size
            if not inside(data[body:place]):
                stored += data[body:place]
        else:
            return inside(data[body:]) if method in (12, 93, 95) else method in (9, 14, 98)
    return place > 0 and _zip_directory(data, place) and (2 * len(stored) < place or holds_content(stored))


def _zip_directory(data: bytes, place: int) -> bool:
    """Central directory and its end records (4.3.12 to 4.3.16), as far as the bytes go."""
    while len(data) - place >= 46 and data[place : place + 2] == b"PK":
        kind = data[place + 2 : place + 4]
        if kind == b"\1\2":
            place += 46 + sum(little(data, place + at, 2) for at in (28, 30, 32))
        elif kind in (b"\6\6", b"\6\7"):
            place += 12 + little(data, place + 4, 8) if kind == b"\6\6" else 20
        elif kind == b"\5\6":
            return fits_behind(data, place + 22 + little(data, place + 20, 2))
        else:
            return False
    return len(data) - place < 46


def bzip2(data: bytes) -> bool:
    """Block header, selectors and code tables by the standard library's decoder."""
    if len(data) < 36 or data[4:10] != b"1AY&SY":
        return False
    return _decodes(data, bz2.BZ2Decompressor())


def xz(data: bytes) -> bool:
    """Stream header with its CRC-32, then blocks (The .xz File Format 1.2)."""
    if len(data) < 24 or zlib.crc32(data[6:8]) != little(data, 8, 4):
        return False
    size = (data[12] + 1) * 4
    header = data[12 : 12 + size]
    if data[12] and (len(header) < size or zlib.crc32(header[:-4]) != little(header, size - 4, 4)):
        return False
    return _decodes(data, lzma.LZMADecompressor(lzma.FORMAT_XZ))


def lzma_alone(data: bytes) -> bool:
    """Properties, dictionary size of 2^n or 2^n + 2^(n-1), size, and a range coder that starts with zero."""
    if len(data) < 13 + ENOUGH or data[0] >= 225 or data[13]:
        return False
    dictionary, size = little(data, 1, 4), little(data, 5, 8)
    if dictionary not in _DICTIONARIES or (size >> 40 and size != 2**64 - 1):
        return False
    return _decodes(data, lzma.LZMADecompressor(lzma.FORMAT_ALONE))


_DICTIONARIES = {2**n for n in range(12, 32)} | {3 * 2**n for n in range(11, 31)} | {2**32 - 1}


def _decodes(data: bytes, decoder: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> bool:
    try:
        output = decoder.decompress(data, _OUTPUT)
    except (OSError, lzma.LZMAError):
        return False
    end = len(data) - len(decoder.unused_data)
    if len(output) < _OUTPUT and not earned(end, Decoded(end, len(output), output[:SAMPLE])):
        return False
    return not decoder.eof or fits_behind(data, end)


def seven_zip(data: bytes) -> bool:
    """Signature header with its CRC-32."""
    return (
        len(data) >= 32
        and data[6] == 0
        and zlib.crc32(data[12:32]) == little(data, 8, 4)
        and little(data, 12, 8) < 2**42
    )


def zstd(data: bytes) -> bool:
    """Frame header, first block header and the header of its literals (RFC 8878, sections 3.1.1 and 3.1.1.3.1)."""
    if len(data) < 18 or data[4] & 0x08:
        return False
    descriptor = data[4]
    single = descriptor >> 5 & 1
    content = (single, 2, 4, 8)[descriptor >> 6]
    place = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    window = 1 << 10 + (data[5] >> 3) if not single else little(data, place, content) + (256 if content == 2 else 0)
    place += content
    header = little(data, place, 3)
    kind, size = header >> 1 & 3, header >> 3
    limit = min(max(window, 1024), 1 << 17)
    if window > 1 << 31 or kind == 3 or size > limit or not _zstd_blocks(data, place, limit):
        return False
    if kind == 0:
        return inside(data[place + 3 :])
    if kind == 1:
        return True
    return _zstd_literals(data[place + 3 :], size, limit)


def _zstd_blocks(data: bytes, place: int, limit: int) -> bool:
    """Return True if every block's header is where the block before ends; a checksum of four bytes may stand behind
    the last.
    """
    while place + 3 <= len(data):
        header = little(data, place, 3)
        kind, size = header >> 1 & 3, header >> 3
        if kind == 3 or size > limit:
            return False
        place += 3 + (1 if kind == 1 else size)
        if header & 1:
            return fits_behind(data, place + (data[4] & 4))
    return True


def zstd_skippable(data: bytes) -> bool:
    """Skippable frames (RFC 8878 section 3.1.2) with another frame behind them."""
    end = 0
    while data[end + 1 : end + 4] == b"\x2a\x4d\x18" and data[end] >> 4 == 5:
        end += 8 + little(data, end + 4, 4)
    return len(data) > end + ENOUGH and inside(data[end:])


def _zstd_literals(block: bytes, size: int, limit: int) -> bool:
    if len(block) < 8:
        return False
    kind, form = block[0] & 3, block[0] >> 2 & 3
    if kind == 3:
        return False  # a first block has no earlier Huffman table
    if kind < 2:
        width = (1, 2, 1, 3)[form]
        regenerated = little(block, 0, width) >> (3 if width == 1 else 4)
        return regenerated <= limit and (kind == 1 or regenerated + width <= size)
    width, digits = (3, 3, 4, 5)[form], (10, 10, 14, 18)[form]
    value = little(block, 0, width) >> 4
    regenerated, compressed = value & (1 << digits) - 1, value >> digits
    if not 0 < compressed < min(regenerated, size) or regenerated > limit:
        return False
    first = block[width]
    if first < 128:  # weights coded by FSE: their table starts with the accuracy, 5 or 6 bits
        return 2 <= first < min(compressed, 128) and block[width + 1] & 15 <= 1
    number = first - 127
    nibbles = [part for byte in block[width + 1 : width + 1 + (number + 1) // 2] for part in (byte >> 4, byte & 15)][
        :number
    ]
    return max(nibbles, default=16) <= 11


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"\x1f\x8b": ("gzip", gzip),
    b"PK\x03\x04": ("zip", zip_archive),
    b"BZh": ("bzip2", bzip2),
    b"\xfd7zXZ\x00": ("xz", xz),
    b"7z\xbc\xaf\x27\x1c": ("7z", seven_zip),
    b"\x28\xb5\x2f\xfd": ("zstd", zstd),
    **{bytes((first, 0x2A, 0x4D, 0x18)): ("zstd", zstd_skippable) for first in range(0x50, 0x60)},
    lz.LZ4: ("lz4", lz.lz4_frame),
    b"\x89LZO\x00\r\n\x1a\n": ("lzop", lz.lzop),
    b"\xff\x06\x00\x00sNaPpY": ("snappy", lz.snappy_framed),
    b"\x5d\x00\x00": ("lzma", lzma_alone),
    **{b"bvx" + kind: ("lzfse", lz.lzfse) for kind in (b"2", b"n")},
    **{bytes((first,)): ("zlib", zlib_stream) for first in range(0x08, 0x80, 0x10)},
}
"""Magic number -> name and decoder."""

UNMARKED: tuple[tuple[str, Callable[[bytes], bool], bytes], ...] = (
    ("lz4", lz.lz4_block, bytes(range(256))),
    ("snappy", lz.snappy_raw, bytes(range(1, 256))),
    ("brotli", brotli, bytes(range(256))),
)
"""Formats without a magic number, tried on every head: structure alone must convince. Name, parser and first bytes."""
