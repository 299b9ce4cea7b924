"""Heads of files of tables and arrays, parsed as far as the bytes go. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .archives import deflate
from .structure import GAIN, inside, looks_random

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


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"Obj\x01": ("avro", avro),
    b"\x89HDF\r\n\x1a\n": ("hdf5", hdf5),
}
"""Magic number -> name and parser."""
