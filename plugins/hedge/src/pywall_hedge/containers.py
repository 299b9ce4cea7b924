"""Heads of audio, video and document files, parsed as far as the bytes go. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .archives import deflate_earned
from .structure import SLACK, inside, looks_random

_BOXES = frozenset(
    (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"moof", b"uuid", b"meta", b"pdin")
)
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
    """MP3 or ADTS frames, each where the one before ends."""
    return _chain(data, 0, mp3_frame, 2) or _chain(data, 0, adts_frame, 2)


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


def mp4(data: bytes) -> bool:
    """Boxes one after the other, `ftyp` first (ISO/IEC 14496-12 section 4.2); what `mdat` holds can't be checked."""
    place = seen = 0
    while place + 8 <= len(data):
        size, kind = _big(data, place, 4), data[place + 4 : place + 8]
        if kind not in _BOXES or (size < 8 and size > 1):
            return False
        if kind == b"ftyp" and not (16 <= size <= 256 and size % 4 == 0 and data[place + 8 : place + 12].isascii()):
            return False
        seen += 1
        if kind == b"mdat" and not _media(data[place + 8 : place + size if size > 8 else len(data)]):
            return False
        if size == 0:
            return seen > 1
        place += _big(data, place + 8, 8) if size == 1 else size
    return seen > 1 or (seen == 1 and len(data) < 40)


_ENOUGH_MEDIA = 4096


def _media(body: bytes) -> bool:
    """Return True if samples of sound or video are no noise: their bytes are uneven, or units with lengths leave
    pairs of zeros.
    """
    if len(body) < _ENOUGH_MEDIA:
        return True
    if body.startswith((b"\x12\0\x0a", b"\x0a")) and av1_units(body):  # the one picture of an AVIF file
        return True
    body = body[:65536]
    return body.count(b"\0\0") * 8192 > len(body) or not looks_random(body)


def matroska(data: bytes) -> bool:
    """EBML header that names Matroska or WebM, then a segment (RFC 9559)."""
    width = 9 - data[4].bit_length()
    end = 4 + width + (_big(data, 4, width) & (1 << 7 * width) - 1)
    if (
        len(data) < 40
        or end > 128
        or not any(name in data[:end] for name in (b"\x42\x82\x84webm", b"\x42\x82\x88matroska"))
    ):
        return False
    if data[end : end + 4] != b"\x18\x53\x80\x67"[: max(len(data) - end, 0)]:
        return False
    return len(data) < 8192 or b"\x1f\x43\xb6\x75" in data or (data.count(b"\xa3", 512) > 0 and _media(data[2048:]))


def transport_stream(data: bytes) -> bool:
    """Packets of 188 bytes that start with 47 and have a payload or an adaptation field (ITU-T H.222.0 section
    2.4.3)."""
    starts = range(0, len(data) - 3, 188)
    return len(starts) >= 3 and all(data[at] == 0x47 and data[at + 1] < 0x80 and data[at + 3] & 0x30 for at in starts)


def ivf(data: bytes) -> bool:
    """Header, and frames each with its length before it."""
    if len(data) < 44 or data[4:8] != b"\0\0\x20\0" or data[8:12] not in (b"VP80", b"VP90", b"AV01"):
        return False
    place, before = 32, -1
    while place + 12 <= len(data):
        size, shown = (
            int.from_bytes(data[place : place + 4], "little"),
            int.from_bytes(data[place + 4 : place + 12], "little"),
        )
        if shown <= before or shown > before + 1000 or not 0 < size < 1 << 26:
            return False
        place, before = place + 12 + size, shown
    return True


def flv(data: bytes) -> bool:
    """Tags, each with the length of the one before (Adobe FLV 10.1, annex E)."""
    if len(data) < 24 or data[5:9] != b"\0\0\0\x09":
        return False
    place, before = 9, 0
    while place + 15 <= len(data):
        if _big(data, place, 4) != before or data[place + 4] not in (8, 9, 18):
            return False
        before = 11 + _big(data, place + 5, 3)
        place += 4 + before
    return True


def start_codes(data: bytes) -> bool:
    """H.264 or H.265 parameter sets behind Annex B start codes (ITU-T H.264 and H.265, annex B)."""
    units = [data.find(b"\0\0\1", 0)]
    while len(units) < 8 and (following := data.find(b"\0\0\1", units[-1] + 3)) >= 0:
        units.append(following)
    heads = [data[at + 3 : at + 5] for at in units if at + 5 <= len(data)]
    avc = [head[0] & 31 for head in heads]
    hevc = [head[0] >> 1 for head in heads if head[1] == 1]
    if any(head[0] & 0x80 for head in heads) or len(heads) < 2:
        return False
    return (7 in avc and 8 in avc) or (32 in hevc and 33 in hevc)


def av1_units(data: bytes) -> bool:
    """A sequence header, perhaps behind a temporal delimiter, and units with their sizes (AV1 specification, section
    5.3)."""
    place, seen = 2 if data.startswith(b"\x12\0") else 0, 0
    while place + 4 <= len(data):
        head = data[place]
        if (
            head & 0x81
            or not head & 2
            or head >> 3 & 15 not in (1, 2, 3, 4, 5, 6, 7, 8, 15)
            or (seen == 0 and head >> 3 != 1)
        ):
            return False
        size = shift = 0
        place += 1 + (head >> 2 & 1)
        while place < len(data):
            size |= (data[place] & 127) << shift
            place, shift = place + 1, shift + 7
            if data[place - 1] < 128:
                break
        place, seen = place + size, seen + 1
    return seen > 1


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
"""What stands between the objects of a PDF."""


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"ID3": ("mp3", id3),
    b"\xff": ("mpeg-audio", mpeg_audio),
    b"fLaC": ("flac", flac),
    b"OggS": ("ogg", ogg),
    b"\0\0\0": ("mp4", mp4),
    b"\0\0\0\1": ("start-codes", start_codes),
    b"\0\0\1": ("start-codes", start_codes),
    b"\x1a\x45\xdf\xa3": ("matroska", matroska),
    b"G": ("mpeg-ts", transport_stream),
    b"DKIF": ("ivf", ivf),
    b"FLV\1": ("flv", flv),
    b"\x12\0": ("av1", av1_units),
    b"%PDF-": ("pdf", pdf),
}
