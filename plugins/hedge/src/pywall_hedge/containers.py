"""Heads of audio and document files, parsed as far as the bytes go. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .archives import deflate_earned
from .structure import SLACK, inside

_BITRATES = {  # kbit/s by MPEG version 1 or 2, layer III (ISO/IEC 11172-3 and 13818-3)
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _big(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "big")


def mp3_frame(data: bytes, place: int) -> int:
    """Return the length in bytes of the MPEG layer III frame whose header is at `place`; 0 when it is none."""
    head = _big(data, place, 4)
    version, layer, rate, frequency = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
    if head >> 21 != 0x7FF or version == 1 or layer != 1 or rate in (0, 15) or frequency == 3 or head & 3 == 2:
        return 0
    bits = _BITRATES[1 if version == 3 else 2][rate] * (144_000 if version == 3 else 72_000)
    return bits // _RATES[version][frequency] + (head >> 9 & 1)


def adts_frame(data: bytes, place: int) -> int:
    """Return the length in bytes of the ADTS frame at `place` (ISO/IEC 13818-7 section 6.2); 0 when it is none."""
    if _big(data, place, 2) & 0xFFF6 != 0xFFF0 or data[place + 2] >> 2 & 15 > 12:
        return 0
    size = _big(data, place + 3, 3) >> 5 & 0x1FFF
    return size if size > 7 else 0


def _chain(data: bytes, place: int, frame: Callable[[bytes, int], int], least: int) -> bool:
    """Frames follow each other from `place` to the end of the bytes, at least `least` headers of them."""
    seen = 0
    while place + 7 <= len(data):
        size = frame(data, place)
        if not size:
            return False
        place, seen = place + size, seen + 1
    return seen >= least


def mpeg_audio(data: bytes) -> bool:
    """MP3 or ADTS frames, each where the one before ends; most of ADTS's begin with the same sort of element (ISO/IEC
    14496-3 table 4.71)."""
    if _chain(data, 0, mp3_frame, 2):
        return True
    if not _chain(data, 0, adts_frame, 2):
        return False
    first, place = [], 0
    while place + 10 <= len(data):
        first.append(data[place + (7 if data[place + 1] & 1 else 9)] >> 5)
        place += adts_frame(data, place)
    usual = max(set(first), key=first.count)
    return len(first) < 5 or (usual < 7 and 2 * first.count(usual) > len(first))


def id3(data: bytes) -> bool:
    """An ID3v2 tag (versions 2.2 to 2.4) whose texts are text and whose pictures are pictures, then MP3 frames."""
    if len(data) < 24 or data[3] not in (2, 3, 4) or any(byte > 127 for byte in data[6:10]):
        return False
    end, place, known = 10 + _seven(data[6:10]), 10, False
    header, width = (6, 3) if data[3] == 2 else (10, 4)
    while place + header < min(end, len(data)) and data[place]:
        name, length = data[place : place + width], data[place + width : place + 2 * width]
        size = _seven(length) if data[3] == 4 else int.from_bytes(length, "big")
        body = data[place + header : place + header + size]
        if not (name.isalnum() and name.isupper()) or place + header + size > end:
            return False
        if name in (b"APIC", b"PIC"):
            known = known or _picture(body)
        elif name.startswith((b"T", b"COM")):
            known = known or sum(32 <= byte < 127 or byte in (0, 255, 254) for byte in body[:40]) >= 0.9 * min(size, 40)
        elif size > _UNREAD:
            return False
        place += header + size
    if end >= len(data):
        return known
    return _chain(data, end, mp3_frame, 1 if len(data) < end + 1500 else 2)


_UNREAD = 8192
"""Bytes of an ID3 frame that is neither text nor picture at most: nobody looks into it."""


def _seven(data: bytes) -> int:
    """Return a number in seven bits of each byte."""
    return sum(byte << 7 * place for place, byte in enumerate(reversed(data)))


def _picture(body: bytes) -> bool:
    """A picture's frame: type, description, and an image that parses as far as it goes."""
    start = min(
        (at for magic in (b"\xff\xd8\xff", b"\x89PNG", b"GIF8") if (at := body.find(magic, 0, 200)) > 0), default=0
    )
    return start > 0 and inside(body[start:])


def flac(data: bytes) -> bool:
    """STREAMINFO, then metadata blocks, then frames that start with their sync code (RFC 9639, sections 8 and 9)."""
    if len(data) < 46 or data[4] & 0x7F or _big(data, 5, 3) != 34:
        return False
    least, most, rate = _big(data, 8, 2), _big(data, 10, 2), _big(data, 18, 3) >> 4
    depth, smallest, largest = (_big(data, 20, 2) >> 4 & 31) + 1, _big(data, 12, 3), _big(data, 15, 3)
    if not 16 <= least <= most or not 0 < rate <= 655_350 or depth not in (8, 12, 16, 20, 24, 32):
        return False
    if largest and not smallest <= largest < 1 << 20:
        return False
    place, last = 42, bool(data[4] >> 7)
    while not last and place + 4 <= len(data):
        last = bool(data[place] >> 7)
        if data[place] & 0x7F > 6:
            return False
        place += 4 + _big(data, place + 1, 3)
    if place + 2 > len(data):
        return True
    return last and _big(data, place, 2) & 0xFFFC == 0xFFF8 and _flac_frames(data, place, max(largest, 16384))


def _flac_frames(data: bytes, place: int, largest: int) -> bool:
    """Return True if from frame to frame there are never more than `largest` bytes; a header is proved by its CRC-8
    (RFC 9639, 9.1)."""
    sync = data[place : place + 2]
    while (following := _next_flac_frame(data, place + 2, sync)) >= 0:
        if following - place > largest + 32:
            return False
        place = following
    return len(data) - place <= largest + 32


def _next_flac_frame(data: bytes, place: int, sync: bytes) -> int:
    while (place := data.find(sync, place)) >= 0:
        for length in range(5, 16):
            if place + length < len(data) and _crc8(data[place : place + length]) == data[place + length]:
                return place
        place += 2
    return -1


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 7 if value & 0x80 else value << 1) & 0xFF
    return value


def ogg(data: bytes) -> bool:
    """Pages one after the other, the first with the name of a codec (RFC 3533 section 6)."""
    place, pages = 0, 0
    while place + 27 <= len(data):
        if data[place : place + 5] != b"OggS\0" or data[place + 5] > 7:
            return False
        count = data[place + 26]
        body = place + 27 + count
        named = data[body : body + 7] in (b"\x01vorbis", b"OpusHea", b"\x80theora", b"Speex  ", b"\x7fFLAC\x01\x00")
        if pages == 0 and not (data[5] & 2 and named and data[6:14] == bytes(8)):
            return False
        place = body + sum(data[place + 27 : body])
        pages += 1
    return pages > 0 and (place >= len(data) or data.startswith(b"OggS"[: len(data) - place], place))


def pdf(data: bytes) -> bool:
    """Objects in text, and Flate streams that decode; False for an encrypted document (ISO 32000-1 section 7)."""
    if b" obj" not in data[:2048] or b"/Encrypt" in data:
        return False
    place = 0
    while (place := data.find(b"/FlateDecode", place)) >= 0:
        start = data.find(b"stream", place, place + 512)
        if start < 0:
            break
        start += 8 if data[start + 6 : start + 7] == b"\r" else 7
        if len(data) - start > 20 and deflate_earned(data, start, wrapped=True) is None:
            return False
        place = start
    end = data.rfind(b"%%EOF") + 5
    if end > 5 and len(data) - end > SLACK and _NEXT.match(data, end) is None:
        return False
    last = data.rfind(b"endobj") + 6
    return last < 6 or last + 64 > len(data) or _NEXT.match(data, last) is not None


_NEXT = re.compile(rb"\s*(\d+ \d+ obj|xref|trailer|startxref|%)")
"""What is between the objects of a PDF."""


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"ID3": ("mp3", id3),
    b"\xff": ("mpeg-audio", mpeg_audio),
    b"fLaC": ("flac", flac),
    b"OggS": ("ogg", ogg),
    b"%PDF-": ("pdf", pdf),
}
