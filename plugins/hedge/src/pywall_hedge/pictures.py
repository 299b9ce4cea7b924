"""Heads of images, parsed as far as the bytes go. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from .huffman import PROOF, scan_decodes
from .structure import SAMPLE, Decoded, earned, fits_behind

_JPEG_NAMES = (b"JFIF\0", b"JFXX\0", b"Exif\0", b"ICC_P", b"Adobe", b"http:", b"Photo", b"MPF\0")

_EXTENSIONS = {0xF9: 4, 0xFF: 11, 0x01: 12}
"""GIF extension label -> size of its first block; a comment, FE, may have any."""


def _big(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "big")


def jpeg(data: bytes) -> bool:
    """Marker segments, then entropy-coded data that decodes with their tables and whose every FF is stuffed or a marker
    (ITU-T T.81, annex B)."""
    place, known, frame, tables = 2, False, 0, b""
    while place + 9 <= len(data):
        if data[place] != 0xFF or not 0xC0 <= data[place + 1] <= 0xFE or 0xD0 <= data[place + 1] <= 0xD9:
            return False
        marker, size = data[place + 1], _big(data, place + 2, 2)
        if size < 2:
            return False
        named = 0xE0 <= marker <= 0xEF and data[place + 4 : place + 9] in _JPEG_NAMES
        quantized = marker == 0xDB and size >= 67 and data[place + 4] & 0xEC == 0
        known = known or named or quantized
        if marker == 0xC4:
            tables += data[place + 4 : place + 2 + size]
        elif marker in _FRAMES:
            frame = place
        place += 2 + size
        if marker == 0xDA:
            return known and frame > 0 and _scan(data, frame, tables, place, size) and _stuffed(data, place)
    if place < len(data) and data[place] != 0xFF:
        return False
    return known and len(data) > 20


_FRAMES = frozenset((*range(0xC0, 0xD0),)) - {0xC4, 0xC8, 0xCC}
"""Markers that start a frame: all but tables and a reserved one."""


def _scan(data: bytes, frame: int, tables: bytes, place: int, size: int) -> bool:
    """The first scan, at `place` behind a header of `size`, is the frame's; only what is sequential is decoded."""
    if data[frame + 1] > 0xC1:
        return True
    header = data[frame + 4 : frame + 2 + _big(data, frame + 2, 2)]
    body = data[place : place + PROOF]
    if (end := _MARKER.search(body)) is not None:
        body = body[: end.start()]
    return scan_decodes(header, tables, data[place + 2 - size : place], body)


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
"""What ends a scan."""


def _stuffed(data: bytes, place: int) -> bool:
    while (place := data.find(b"\xff", place)) >= 0 and place + 1 < len(data):
        follows = data[place + 1]
        if follows == 0xD9:
            return fits_behind(data, place + 2)
        if follows in (0xC4, 0xDA, 0xDB, 0xDD, 0xFE):
            place += 2 + _big(data, place + 2, 2)
        elif follows in (0, 0xFF) or 0xD0 <= follows <= 0xD7:
            place += 1 if follows == 0xFF else 2
        else:
            return False
    return True


def png(data: bytes) -> bool:
    """Chunks with their CRC-32, image data through zlib (PNG, third edition, sections 5 and 11)."""
    if len(data) < 33 or data[8:16] != b"\0\0\0\rIHDR" or zlib.crc32(data[12:29]) != _big(data, 29, 4):
        return False
    place, decoder = 33, zlib.decompressobj()
    samples = {2: 3, 4: 2, 6: 4}.get(data[25], 1)
    row = 1 + (_big(data, 16, 4) * data[24] * samples + 7) // 8  # its filter is no content
    packed, size_out, output = 0, 0, b""
    while place + 8 <= len(data):
        size, kind = _big(data, place, 4), data[place + 4 : place + 8]
        if size > 1 << 31 or not (kind.isascii() and kind.isalpha()):
            return False
        body = data[place + 8 : place + 8 + size]
        if len(data) >= place + 12 + size and zlib.crc32(kind + body) != _big(data, place + 8 + size, 4):
            return False
        if kind == b"IDAT":
            try:
                part = decoder.decompress(body, 1 << 20)
            except zlib.error:
                return False
            packed, size_out, output = packed + len(body), size_out + len(part), (output + part)[:SAMPLE]
            if not earned(packed, Decoded(packed, size_out - size_out // row, _unfiltered(output, row))):
                return False
        elif kind == b"IEND":
            return fits_behind(data, place + 12)
        place += 12 + size
    return True


def _unfiltered(rows: bytes, row: int) -> bytes:
    out = bytearray(rows)
    del out[::row]
    return bytes(out)


def gif(data: bytes) -> bool:
    """Screen descriptor, blocks, and the first LZW codes (GIF89a, sections 17 to 26 and appendix F)."""
    if len(data) < 14 or data[3:6] not in (b"87a", b"89a") or not _big(data, 6, 2) or not _big(data, 8, 2):
        return False
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    if data[12] not in (0, 49) or data[11] >= 1 << (data[10] & 7) + 1:
        return False
    while place + 2 < len(data) and data[place] == 0x21:
        if _EXTENSIONS.get(data[place + 1], data[place + 2]) != data[place + 2] or data[place + 1] not in (
            *_EXTENSIONS,
            0xFE,
        ):
            return False
        place += 2
        while place < len(data) and data[place]:
            place += 1 + data[place]
        place += 1
    if place + 11 >= len(data):
        return place >= len(data) or data[place] == 0x2C
    if data[place] != 0x2C:
        return False
    place += 10 + (3 << (data[place + 9] & 7) + 1 if data[place + 9] & 0x80 else 0)
    if place >= len(data):
        return True
    codes = bytearray()
    start = place + 1
    while start < len(data) and data[start]:
        codes += data[start + 1 : start + 1 + data[start]]
        start += 1 + data[start]
    if data[start + 1 : start + 2] not in (b"", b"!", b",", b";"):
        return False
    if data[start + 1 : start + 2] == b";" and not fits_behind(data, start + 2):
        return False
    return _lzw(bytes(codes[:2048]), data[place])


def _lzw(codes: bytes, least: int) -> bool:
    """Return True if every code is in the dictionary at the time it comes."""
    if not 2 <= least <= 8:
        return False
    clear, bits, have, width, entries, first = 1 << least, 0, 0, least + 1, (1 << least) + 2, True
    for byte in codes:
        bits |= byte << have
        have += 8
        while have >= width:
            code = bits & (1 << width) - 1
            bits, have = bits >> width, have - width
            if code == clear:
                width, entries, first = least + 1, clear + 2, True
                continue
            if code == clear + 1:
                return True
            if code > entries - (1 if first else 0) or (first and code > clear):
                return False
            if not first and entries < 4096:
                entries += 1
                if entries == 1 << width and width < 12:
                    width += 1
            first = False
    return True


def webp(data: bytes) -> bool:
    """RIFF container, and the header of the first frame (RFC 9649)."""
    if len(data) < 30 or data[8:12] != b"WEBP":
        return False
    total, kind, size = int.from_bytes(data[4:8], "little"), data[12:16], int.from_bytes(data[16:20], "little")
    if size + 12 > total + 8 or not fits_behind(data, total + 8):
        return False
    if kind == b"VP8 ":
        return data[20] & 1 == 0 and data[23:26] == b"\x9d\x01\x2a"
    if kind == b"VP8L":
        return data[20] == 0x2F and data[24] >> 5 == 0
    follows = data[30:34]
    return kind == b"VP8X" and size == 10 and follows in (b"ICCP", b"ANIM", b"ALPH", b"VP8 ", b"VP8L", b"EXIF")


def jp2(data: bytes) -> bool:
    """Boxes of a JPEG 2000 file, then its codestream (ITU-T T.800, annex I)."""
    place = 12
    while place + 8 <= len(data):
        size, kind = _big(data, place, 4), data[place + 4 : place + 8]
        if kind == b"jp2c":
            return codestream(data[place + 8 :])
        if kind not in (b"ftyp", b"jp2h", b"xml ", b"uuid", b"uinf", b"jp2i") or size < 8:
            return False
        place += size
    return len(data) >= 20


def codestream(data: bytes) -> bool:
    """Markers of a main header, then tile parts in whose packets no FF is followed by more than 8F (T.800, annex A)."""
    place = 2
    if _big(data, 4, 2) != 38 + 3 * _big(data, 40, 2) and len(data) > 42:
        return False
    while place + 12 <= len(data):
        marker, size = _big(data, place, 2), _big(data, place + 2, 2)
        if marker == 0xFF90:
            body = data[place + 12 : place + (_big(data, place + 6, 4) or len(data))]
            end = body.find(b"\xff\x93") + 2
            if _FORBIDDEN.search(body, end) is not None:
                return False
            place += _big(data, place + 6, 4) or len(data)
        elif marker == 0xFFD9:
            return fits_behind(data, place + 2)
        elif 0xFF51 <= marker <= 0xFF64 and size >= 2 and (marker == 0xFF51 or place > 2):
            place += 2 + size
        else:
            return False
    return place > 2


_FORBIDDEN = re.compile(rb"\xff[\x94-\xd8\xda-\xff]", re.DOTALL)


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"\xff\xd8\xff": ("jpeg", jpeg),
    b"\x89PNG\r\n\x1a\n": ("png", png),
    b"GIF8": ("gif", gif),
    b"RIFF": ("webp", webp),
    b"\0\0\0\x0cjP  \r\n\x87\n": ("jpeg-2000", jp2),
    b"\xff\x4f\xff\x51": ("jpeg-2000", codestream),
}
