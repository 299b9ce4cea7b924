"""Heads of files of tables and arrays, parsed as far as the bytes go. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .archives import deflate
from .structure import GAIN, frame_within, inside, looks_random

_CODEC = re.compile(rb"avro\.codec(.)([a-z]{2,12})", re.DOTALL)
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_SYNC = 16
_CHUNKS = 16
"""Places that are tried as the start of a compressed chunk, at most."""


def avro(data: bytes) -> bool:
    """A map with the schema, a marker, and blocks with counts and lengths that end with the marker (Avro 1.11, object
    container files); the first block is what its codec makes, or no noise."""
    found = _CODEC.search(data, 4, 8192)
    start = _behind_map(data)
    if start is None or start + _SYNC + 4 > len(data) or b"avro.schema" not in data[4:start]:
        return b"avro.schema" in data[4:64] and len(data) < 4096
    codec = found[2] if found is not None and found[1][0] == 2 * len(found[2]) else b"null"
    marker, place, first = data[start : start + _SYNC], start + _SYNC, b""
    while place < len(data):
        if (count := _long(data, place)) is None or (size := _long(data, count[1])) is None:
            break
        if count[0] <= 0 or size[0] <= 0:
            return False
        first = first or data[size[1] : size[1] + size[0]]
        place = size[1] + size[0]
        if marker[: len(data) - place] != data[place : place + _SYNC] and place < len(data):
            return False
        place += _SYNC
    if codec == b"deflate":
        made = deflate(first)
        return len(first) < 64 or (made is not None and made.size >= GAIN * made.end)
    return len(first) < 64 or inside(first) or not looks_random(first)


def _behind_map(data: bytes) -> int | None:
    """Return the offset behind the map of the header, or None where it does not end within the data."""
    place = 4
    while (count := _long(data, place)) is not None and abs(count[0]) <= 64:
        place = count[1]
        if count[0] == 0:
            return place
        if count[0] < 0 and (size := _long(data, place)) is not None:
            place = size[1]
        for _ in range(2 * abs(count[0])):
            length = _long(data, place)
            if length is None or length[0] < 0:
                return None
            place = length[1] + length[0]
    return None


def _long(data: bytes, place: int) -> tuple[int, int] | None:
    """Return a number in zigzag of seven bits a byte, and the offset behind it; None where it is cut off."""
    value = shift = 0
    while place < len(data) and shift < 63:
        value |= (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 128:
            return value >> 1 ^ -(value & 1), place
    return None


def hdf5(data: bytes) -> bool:
    """A superblock of version 0 to 3 that begins the file (HDF5 file format specification 3.0, section II.A), and
    content that is no noise, or chunks in zlib's format."""
    if len(data) < 48 or data[8] > 3:
        return False
    sizes = data[13:15] if data[8] < 2 else data[9:11]
    base = data[24 + 4 * (data[8] == 1) :][:8] if data[8] < 2 else data[12:20]
    if sizes != b"\x08\x08" or base != bytes(8):
        return False
    body = data[2048:65536]
    if len(body) < 1024 or not looks_random(body):
        return True
    places = (found.start() for found, _ in zip(_ZLIB.finditer(data, 512), range(_CHUNKS), strict=False))
    return any((made := deflate(data, at, wrapped=True)) and made.size >= GAIN * (made.end - at) for at in places)


def parquet(data: bytes) -> bool:
    """Pages behind headers in Thrift's compact form, each as long as the one before says (Parquet format, PageHeader);
    between columns there may be something else."""
    place, pages = 4, 0
    while place + 16 <= len(data):
        numbers = _page(data, place)
        if numbers is None:
            return pages > 1 and not looks_random(data[place:])
        kind, plain, packed, place = numbers
        if kind > 3 or plain > 1 << 30 or packed > plain + plain // 4 + 64:
            return False
        place, pages = place + packed, pages + 1
    return pages > 0 or len(data) < 20


def _page(data: bytes, place: int) -> tuple[int, int, int, int] | None:
    """Return type, size and packed size of a page, and the offset behind its header; None where it is none."""
    numbers = []
    for _ in range(3):
        if data[place] != 0x15 or (number := _long(data, place + 1)) is None:
            return None
        numbers.append(number[0])
        place = number[1]
    if min(numbers) < 0 or (end := _behind_struct(data, place, 0)) is None:
        return None
    return numbers[0], numbers[1], numbers[2], end


def _behind_struct(data: bytes, place: int, depth: int) -> int | None:
    """Return the offset behind the rest of a struct in Thrift's compact protocol, or None where it is none."""
    while place < len(data) and depth < 4:
        kind = data[place] & 15
        if data[place] == 0:
            return place + 1
        place += 1
        if kind in (3, 4, 5, 6, 8):
            if (number := (place, place + 1) if kind == 3 else _long(data, place)) is None:
                return None
            place = number[1] + (_unsigned(number[0]) if kind == 8 else 0)
        elif kind == 12:
            if (end := _behind_struct(data, place, depth + 1)) is None:
                return None
            place = end
        elif kind not in (1, 2):
            return None
    return None


def _unsigned(number: int) -> int:
    """Return the number of which `_long` took the zigzag off."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def orc(data: bytes) -> bool:
    """Chunks with lengths of three bytes, the lowest bit says which are not compressed (ORC specification 1,
    compression); the first of them is a message of Protocol Buffers."""
    place, chunks = 3, 0
    while place + 3 <= len(data):
        head = int.from_bytes(data[place : place + 3], "little")
        if not 0 < head >> 1 <= 1 << 18:
            return chunks > 3 and not looks_random(data[place:])
        if chunks == 0 and head & 1 and data[place + 3 : place + 4] != b"\x0a":
            return False
        place, chunks = place + 3 + (head >> 1), chunks + 1
    return chunks > 1


def arrow(data: bytes) -> bool:
    """Messages behind their lengths, each with a body as long as it says (Arrow columnar format, encapsulated
    messages), in a file or a stream."""
    place, seen = 8 if data.startswith(b"ARROW1\0\0") else 0, 0
    while place + 64 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] != b"\xff\xff\xff\xff" or size % 8 or size > 1 << 24:
            return False
        if size == 0:
            return seen > 1
        body = _arrow_body(data[place + 8 : place + 8 + size])
        if body is None:
            return seen > 0 and place + 8 + size > len(data)
        start = place + 8 + size
        content = data[start : start + body]
        if looks_random(content) and frame_within(content) is None and not _LZ4.search(content):
            return False
        place, seen = start + body, seen + 1
    return seen > 0


_LZ4 = re.compile(rb"\x04\x22\x4d\x18[\x40-\x7f][\x40-\x70]")


def _arrow_body(message: bytes) -> int | None:
    """Return the length of the body that a message of Arrow announces in its fourth field (FlatBuffers: a table's
    fields are found through the offsets before it)."""
    table = int.from_bytes(message[:4], "little")
    if not 4 <= table <= len(message) - 4:
        return None
    fields = table - int.from_bytes(message[table : table + 4], "little", signed=True)
    if not 0 <= fields <= len(message) - 12:
        return None
    width = int.from_bytes(message[fields : fields + 2], "little")
    at = int.from_bytes(message[fields + 10 : fields + 12], "little") if width >= 12 else 0
    length = int.from_bytes(message[table + at : table + at + 8], "little") if at else 0
    return length if length < 1 << 34 else None


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"Obj\x01": ("avro", avro),
    b"\x89HDF\r\n\x1a\n": ("hdf5", hdf5),
    b"PAR1": ("parquet", parquet),
    b"ORC": ("orc", orc),
    b"ARROW1\0\0": ("arrow", arrow),
    b"\xff\xff\xff\xff": ("arrow", arrow),
}
"""Magic number -> name and parser."""
