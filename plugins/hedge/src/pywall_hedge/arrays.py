"""Heads of compressed arrays of numbers and of meshes, parsed as far as the bytes go. Same contract as
`pywall_hedge.archives`.

Their coders' output is as good as random, so the numbers in the head must agree with each other, and with how much
follows.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from

from .integers import little
from .structure import fits_behind, inside, looks_random

_UNPACKED = 8192
"""Bytes of a file at least, beyond what its numbers would fill unpacked, that are no longer it."""


def blosc(data: bytes) -> bool:
    """A chunk of Blosc 1 or 2 (c-blosc2, README_CHUNK_FORMAT): sizes, then the offset of each block, the first behind
    the last of them."""
    flags, plain, block, packed = data[2], little(data, 4, 4), little(data, 8, 4), little(data, 12, 4)
    header = 32 if data[0] > 2 and flags & 5 == 5 else 16
    if not data[3] or not 64 <= plain < 1 << 31 or not 16 <= block <= plain or not header < packed <= plain + header:
        return False
    if flags & 2 or packed == plain + header:  # copied
        body = data[header:packed]
        return packed == plain + header and (inside(body) or not looks_random(body)) and fits_behind(data, packed)
    number = -(-plain // block)
    starts = [little(data, header + 4 * at, 4) for at in range(min(number, (len(data) - header) // 4))]
    end = header + 4 * number
    if not starts or end >= packed or not all(header < start < packed for start in starts) or end not in starts:
        return False
    first = little(data, end, 4)
    return (len(data) < end + 4 or 0 < first <= block or first >> 31 == 1) and fits_behind(data, packed)


def blosc2_frame(data: bytes) -> bool:
    """The header of a contiguous frame (c-blosc2, README_CFRAME_FORMAT), and a chunk behind it."""
    if len(data) < 32 or data[1:10] != b"\xa8b2frame\0" or data[10] != 0xD2 or data[15] != 0xCF:
        return False
    size, total = int.from_bytes(data[11:15], "big"), int.from_bytes(data[16:24], "big")
    if not 64 <= size < 1 << 16 or not size < total < 1 << 40:
        return False
    return len(data) < size + 32 or blosc(data[size:])


def pcodec(data: bytes) -> bool:
    """Standalone files: the count of numbers, and the first chunk's, of one type or none (pcodec,
    docs/format.md)."""
    last = data.rfind(b"pco!")  # records may each be a file
    data = data[last:] if len(data) - last > 24 else data
    kind, bits = data[5], (data[6] & 63) + 1
    total = little(data, 6, 9) >> 6 & (1 << bits) - 1
    place = 6 + (6 + bits + 7) // 8
    own = data[place + 2]  # a file whose chunks may differ has type 0
    if kind not in (0, own) or not 1 <= own <= 20 or bits > 40 or not 0 < data[place] < 16:
        return False
    chunk = little(data, place + 3, 3) + 1
    return 0 < chunk <= total and len(data) <= 8 * total + _UNPACKED


def fpzip(data: bytes) -> bool:
    """The magic number, and four dimensions of which the missing ones are 1, as the range coder writes them."""
    head = data[10:28]
    return len(head) == 18 and sum(byte in (0, 255) for byte in head) >= 8


def zfp(data: bytes) -> bool:
    """Magic number, version, type and dimensions (zfp 1.0, section on the header)."""
    meta = little(data, 4, 7)
    rank = (meta >> 2 & 3) + 1
    size = 8
    for place in range(rank):
        size *= (meta >> 4 + 48 // rank * place & (1 << 48 // rank) - 1) + 1
    return data[3] == 5 and 256 <= size < 1 << 32 and len(data) <= size + _UNPACKED


def laz(data: bytes) -> bool:
    """A cloud of points (LAS 1.4, public header block) that LASzip packed: its record is among the variable ones, and
    the first point, which is not packed, lies within the bounds that the header gives."""
    if len(data) < 375:
        return data[24] == 1 and data[104] >= 128
    start, number, size = little(data, 96, 4), little(data, 107, 4) or little(data, 247, 8), little(data, 105, 2)
    known = data[24] == 1 and data[104] >= 128 and 20 <= size < 1024
    if not known or not 227 <= start < 1 << 16 or not 0 < number < 1 << 40:
        return False
    if len(data) < start + 20:
        return True
    packed = data.find(b"laszip encoded", 227, start) >= 0
    place = unpack_from("<3i", data, start + 8)
    scale, offset = unpack_from("<3d", data, 131), unpack_from("<3d", data, 155)
    bounds = unpack_from("<6d", data, 179)  # largest and least, for x, y and z
    for axis in range(3):
        value, step = place[axis] * scale[axis] + offset[axis], abs(scale[axis])
        if not bounds[2 * axis + 1] - step <= value <= bounds[2 * axis] + step:
            return False
    return packed and len(data) <= start + size * number + _UNPACKED


def draco(data: bytes) -> bool:
    """Version, sort of geometry, method and flags (Draco bitstream specification 2.2, section 3)."""
    return data[5] in (1, 2) and data[6] < 8 and data[7] < 2 and data[8] < 2 and data[9] == 0 and data[10] & 0x7F == 0


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"\x02\x01": ("blosc", blosc),
    b"\x05\x01": ("blosc", blosc),
    b"\x9e\xa8b2frame": ("blosc2", blosc2_frame),
    b"pco!": ("pcodec", pcodec),
    b"fpy)\x87\x0e": ("fpzip", fpzip),
    b"zfp": ("zfp", zfp),
    b"LASF": ("laz", laz),
    b"DRACO": ("draco", draco),
}
"""Magic number -> name and parser."""
