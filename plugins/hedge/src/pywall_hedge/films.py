"""Heads of video files and streams, parsed as far as the bytes go. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

from collections.abc import Callable

from .structure import fits_behind, looks_random
from .video_units import are_units

_BOXES = frozenset(
    (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"sidx", b"moof", b"uuid", b"meta", b"pdin")
)


SIZE, BOX = b"\0\0\0", rb"\0\0\0.(?:" + b"|".join(sorted(_BOXES)) + b")"
"""The size of a first box begins so, as any small number; the pattern of it and the name that must follow."""


def _big(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "big")


def mp4(data: bytes) -> bool:
    """Boxes one after the other, `ftyp` first (ISO/IEC 14496-12 section 4.2); what `mdat` holds can't be checked, but
    no more than two come without a word on what they hold."""
    place = seen = alone = 0
    while place + 8 <= len(data):
        size, kind = _big(data, place, 4), data[place + 4 : place + 8]
        alone = 0 if kind in (b"moov", b"moof") else alone + (kind == b"mdat")
        if seen > 1 and kind not in _BOXES:  # another file, perhaps behind a header of its own
            return fits_behind(data, place)
        if alone > 2 or kind not in _BOXES or (size < 8 and size > 1):
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
    pairs of zeros, or are followed.
    """
    if len(body) < _ENOUGH_MEDIA:
        return True
    if body.startswith((b"\x12\0\x0a", b"\x0a")) and av1_units(body):  # the one picture of an AVIF file
        return True
    body = body[:65536]
    return body.count(b"\0\0") * 8192 > len(body) or not looks_random(body) or are_units(body)


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
    """Packets of 188 bytes that start with 47 and have a payload or an adaptation field (ITU-T H.222.0 section 2.4.3);
    where they say that something begins it is a packet of a stream or a table (sections 2.4.3.6, 2.4.4)."""
    starts = range(0, len(data) - 3, 188)
    if len(starts) < 3 or any(data[at] != 0x47 or data[at + 1] > 0x7F or not data[at + 3] & 0x30 for at in starts):
        return False
    for at in starts:
        body = data[at + 4 : at + 188]
        if data[at + 3] & 0x20:  # an adaptation field before the payload
            body = body[1 + body[0] :] if body else b""
        if data[at + 1] & 0x40 and data[at + 3] & 0x10 and len(body) > 8 and body[:3] != b"\0\0\1":
            table = body[1 + body[0] :]
            if len(table) > 2 and table[1] & 0x30 != 0x30:
                return False
    return True


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
        if not _units_fill(data[place + 15 : place + 4 + before], before - 11):
            return False
        place += 4 + before
    return True


def _units_fill(body: bytes, size: int) -> bool:
    """A whole tag of H.264 units is filled by units with lengths of four bytes; other tags are not looked into."""
    if len(body) < size or body[:2] not in (b"\x17\x01", b"\x27\x01"):
        return True
    place = 5
    while place + 4 <= size:
        place += 4 + _big(body, place, 4)
    return place == size


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


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    SIZE: ("mp4", mp4),
    b"\0\0\0\1": ("start-codes", start_codes),
    b"\0\0\1": ("start-codes", start_codes),
    b"\x1a\x45\xdf\xa3": ("matroska", matroska),
    b"G": ("mpeg-ts", transport_stream),
    b"DKIF": ("ivf", ivf),
    b"FLV\1": ("flv", flv),
    b"\x12\0": ("av1", av1_units),
}
"""Magic number -> name and parser."""
