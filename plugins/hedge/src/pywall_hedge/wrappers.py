"""Wrappers without compression of their own, and files whose head only a checksum proves: what is inside must be known.

Same contract as `pywall_hedge.archives`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from .integers import little
from .structure import inside, looks_random


def ar(data: bytes) -> bool:
    """Members behind headers of 60 bytes that end with 60 0A (Debian packages, static libraries)."""
    place = 8
    while place + 60 <= len(data):
        if data[place + 58 : place + 60] != b"`\n" or not data[place + 48 : place + 58].strip().isdigit():
            return False
        size = int(data[place + 48 : place + 58])
        body = data[place + 60 : place + 60 + size]
        if not inside(body) and looks_random(body):
            return False
        place += 60 + size + size % 2
    return place > 8 or len(data) < 68


def tar(data: bytes) -> bool:
    """Headers of 512 bytes with their sum (POSIX ustar); members are known structures or no noise."""
    place = 0
    while place + 512 <= len(data):
        head = data[place : place + 512]
        if not any(head):
            return place > 0
        text = head[148:156].strip(b" \0")
        if not re.fullmatch(rb"[0-7]{1,7}", text) or sum(head) - sum(head[148:156]) + 256 != int(text, 8):
            return False
        length = head[124:136].strip(b" \0")
        if not re.fullmatch(rb"[0-7]{1,11}", length):
            return False
        size = int(length, 8)
        body = data[place + 512 : place + 512 + size]
        if not inside(body) and looks_random(body):
            return False
        place += 512 + (size + 511) // 512 * 512
    return place > 0


def cpio(data: bytes) -> bool:
    """Headers of 110 hexadecimal digits (newc), names, and members that are no noise."""
    place = 0
    while place + 110 <= len(data):
        if data[place : place + 5] != b"07070" or not re.fullmatch(rb"[0-9A-Fa-f]{110}", data[place : place + 110]):
            return place > 0 and not any(data[place : place + 64])
        size, names = int(data[place + 54 : place + 62], 16), int(data[place + 94 : place + 102], 16)
        start = place + (110 + names + 3) // 4 * 4
        body = data[start : start + size]
        if not inside(body) and looks_random(body):
            return False
        place = start + (size + 3) // 4 * 4
    return place > 0


def rpm(data: bytes) -> bool:
    """A lead of 96 bytes, a signature header, a header, and a payload that is a known structure (rpm 4 format)."""
    place = 96
    for number in (0, 1):
        if len(data) < place + 16:
            return True
        if data[place : place + 4] != b"\x8e\xad\xe8\x01":
            return False
        entries, size = int.from_bytes(data[place + 8 : place + 12]), int.from_bytes(data[place + 12 : place + 16])
        if entries > 1 << 16 or size > 1 << 28:
            return False
        place += 16 + 16 * entries + size
        if number == 0:
            place = (place + 7) // 8 * 8
    return len(data) < place + 20 or inside(data[place:])


def lzip(data: bytes) -> bool:
    """Version 1, a dictionary of 4 KiB to 512 MiB, and a range coder that starts with zero (lzip manual, file
    format)."""
    import lzma

    if len(data) < 27 or data[4] != 1 or not 12 <= data[5] & 31 <= 29 or data[6]:
        return False
    size = (1 << (data[5] & 31)) - ((1 << (data[5] & 31)) // 16) * (data[5] >> 5)
    coder = {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": 3, "lp": 0, "pb": 2}
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[coder])
    try:
        output = decoder.decompress(data[6:], 1 << 18)
    except lzma.LZMAError:
        return False
    return len(output) >= 1 << 18 or not looks_random(output[:16384])


def squashfs(data: bytes) -> bool:
    """Superblock of version 4, then blocks of the compressor that it names (Linux, fs/squashfs/squashfs_fs.h)."""
    if len(data) < 96 or little(data, 28, 4) != 4 or little(data, 20, 2) not in range(1, 7):
        return False
    block, log = little(data, 12, 4), little(data, 22, 2)
    if block != 1 << log or not 12 <= log <= 20:
        return False
    options = 2 + (little(data, 96, 2) & 0x7FFF) if little(data, 24, 2) & 0x400 else 0
    if options > 66:
        return False
    start = 96 + options
    body = data[start:]
    return len(body) < 24 or inside(body) or not looks_random(body[:4096])


def tta(data: bytes) -> bool:
    """True Audio 1: the header's CRC-32 holds."""
    return len(data) >= 22 and zlib.crc32(data[:18]) == little(data, 18, 4)


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"!<arch>\n": ("ar", ar),
    b"070701": ("cpio", cpio),
    b"070702": ("cpio", cpio),
    b"\xed\xab\xee\xdb": ("rpm", rpm),
    b"LZIP": ("lzip", lzip),
    b"hsqs": ("squashfs", squashfs),
    b"TTA1": ("tta", tta),
}
"""Magic number -> name and parser."""

UNMARKED: tuple[tuple[str, Callable[[bytes], bool], bytes], ...] = (
    ("tar", lambda data: data[257:262] == b"ustar" and tar(data), bytes(range(256))),
)
