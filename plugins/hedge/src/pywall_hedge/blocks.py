"""Heads of files in blocks whose lengths lead from one to the next: sound, genomes, differences, archives. Same
contract as `pywall_hedge.archives`.

What is in the blocks is as good as random, so every number of their headers must fit the others.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from .integers import little
from .structure import looks_random

_CODED = frozenset((b"opus", b"aac ", b"alac", b".mp3", b"flac", b"ima4", b"ulaw", b"alaw", b"ac-3", b"ec-3"))
"""Formats of sound in a Core Audio file whose packets are compressed."""
_COMPONENTS = (0, 2, 3, 2, 3, 4, 6, 6, 3, 5)
"""Bytes of each component of a ZPAQ model, by its type; there is no type 0."""
_NAME = re.compile(rb"[\t -~\x80-\xff]{0,255}\0[\x01-\x7f]{0,64}\0\0")


def wavpack(data: bytes) -> bool:
    """Blocks whose sub-blocks end with them (WavPack 4 and 5 file format, sections 2 and 3)."""
    place = 0
    while place + 32 <= len(data):
        end = place + 8 + little(data, place + 4, 4)
        if data[place : place + 4] != b"wvpk" or not 0x402 <= little(data, place + 8, 2) <= 0x410:
            return _is_tag(data[place:])
        if not place + 32 <= end <= place + (1 << 20) or little(data, place + 20, 4) > 1 << 18:
            return False
        at = place + 32
        while at < min(end, len(data) - 4):
            wide = data[at] & 0x80 != 0
            at += (4 if wide else 2) + 2 * little(data, at + 1, 3 if wide else 1)
        if at > end or (end <= len(data) and at != end):
            return False
        place = end
    return True


def _is_tag(data: bytes) -> bool:
    return data.startswith((b"APETAGEX", b"TAG"))


def core_audio(data: bytes) -> bool:
    """Chunks with a type of four characters and a length, a description first (Apple Core Audio Format specification
    1.0); uncompressed sound is no noise."""
    if data[4:8] != b"\0\1\0\0" or data[8:20] != b"desc" + (32).to_bytes(8, "big") or len(data) < 52:
        return False
    rate, coded, place = data[20:28], data[28:32] in _CODED, 52
    if rate[0] != 0x40 or not coded | (data[28:32] == b"lpcm"):
        return False
    while place + 12 <= len(data):
        kind, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 12], "big", signed=True)
        if not kind.isascii() or not kind.decode().isprintable() or (size < 0 and kind != b"data"):
            return False
        if kind == b"data":
            return coded or not looks_random(data[place + 16 : place + 16 + (size if size > 0 else len(data))])
        place += 12 + size
    return True


def vcdiff(data: bytes) -> bool:
    """Windows whose parts fill their length (RFC 3284, section 4; with a sum of four bytes in the programs' own
    form)."""
    indicator, place = data[4], 5
    if data[3] not in (0, 0x53) or indicator & ~5:
        return False
    if indicator & 1:
        place += 1
    if indicator & 4:
        length, place = _base128(data, place)
        place += length
    while place + 12 <= len(data):
        kind = data[place]
        if kind > 6 or kind & 3 == 3:
            return False
        place += 1
        for _ in range(2 if kind & 3 else 0):
            _, place = _base128(data, place)
        length, start = _base128(data, place)
        _, at = _base128(data, start)
        if at >= len(data) or data[at] > 7:
            return False
        at += 1
        total = 0
        for _ in range(3):
            size, at = _base128(data, at)
            total += size
        if at + (4 if kind & 4 else 0) + total != start + length:
            return False
        place = start + length
    return True


def _base128(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the highest first, and the offset behind it; raises IndexError at the
    end."""
    value = 0
    for _ in range(9):
        value = value << 7 | data[place] & 127
        place += 1
        if data[place - 1] < 128:
            break
    return value, place


def lrzip(data: bytes) -> bool:
    """Version 0.6, a chunk as large as its bytes of width say, and its two streams (lrzip, doc/magic.header.txt); not
    what is encrypted."""
    if data[4] or not 5 <= data[5] <= 8 or data[21] > 1 or data[22] or data[14:16] != b"\0\0" or len(data) < 48:
        return False
    width, place = data[24], 26
    if not 1 <= width <= 8 or data[25] > 1 or not 0 < little(data, place, width) <= max(little(data, 6, 8), 1):
        return False
    place += width
    for _ in range(2):
        if not 3 <= data[place] <= 10 or any(data[place + 1 + 2 * width : place + 1 + 2 * width]):
            return False
        place += 1 + 3 * width
    return place > len(data) or 3 <= data[place] <= 10


def zpaq(data: bytes) -> bool:
    """A block with a model whose components fill its length, and a segment with a name (ZPAQ level 1 and 2, sections 5
    and 6)."""
    place = 13 if data.startswith(b"7kSt") else 0
    if data[place : place + 3] != b"zPQ" or data[place + 3] not in (1, 2) or data[place + 4] != 1:
        return False
    size = little(data, place + 5, 2)
    start, at = place + 7, place + 12
    for _ in range(data[start + 4]):
        kind = data[at]
        if not 0 < kind < len(_COMPONENTS):
            return False
        at += _COMPONENTS[kind]
    end = start + size
    if end >= len(data):
        return at < end
    return (
        at < end and data[at] == 0 and data[end - 1] == 0 and data[end] == 1 and _NAME.match(data, end + 1) is not None
    )


def wim(data: bytes) -> bool:
    """The header of a Windows image: versions, size of chunks, part and reserved bytes, and a table that lies in the
    file."""
    if len(data) < 208:
        return False
    chunk, part, parts = little(data, 20, 4), little(data, 40, 2), little(data, 42, 2)
    table, offset = little(data, 48, 7), little(data, 56, 8)
    compressed = data[16] & 2 and 4096 <= chunk <= 1 << 27 and chunk & chunk - 1 == 0
    known = data[12:16] in (b"\0\x0d\x01\0", b"\0\x0e\0\0")
    return bool(compressed and known and 1 <= part <= parts and 0 < table < 1 << 32 and offset >= 208) and not any(
        data[148:208]
    )


def cram(data: bytes) -> bool:
    """Containers behind a file's definition; from version 3 on their headers have sums (CRAM 3.1, sections 6 and 7)."""
    if not 2 <= data[4] <= 4 or data[5] > 1:
        return False
    place = 26
    while place + 48 <= len(data):
        end = _behind_container(data, place)
        if data[4] > 2:
            if end + 4 > len(data):
                return place > 26 or end < 26 + 4096
            if little(data, end, 4) != zlib.crc32(data[place:end]):
                return False
            end += 4
        size = little(data, place, 4)
        if not 0 < size < 1 << 31:
            return False
        place = end + size
    return True


def _behind_container(data: bytes, place: int) -> int:
    """Return the offset behind a container's header, its sum not counted; raises IndexError at the end."""
    place += 4
    for _ in range(4):
        _, place = _wide(data, place)
    for _ in range(2):  # up to 64 bits
        place += 1 + min(8, 8 - (data[place] ^ 0xFF).bit_length())
    _, place = _wide(data, place)
    marks, place = _wide(data, place)
    for _ in range(min(marks, 4096)):
        _, place = _wide(data, place)
    return place


def _wide(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of up to 32 bits whose first byte says how long it is (ITF8), and the offset behind it."""
    first = data[place]
    more = min(4, 8 - (first ^ 0xFF).bit_length())
    value = first & 0xFF >> more + 1
    return value << 8 * more | int.from_bytes(data[place + 1 : place + 1 + more], "big"), place + 1 + more


_KEY = re.compile(rb"ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9-]{8,40}@openssh\.com")
_NUMBER = 2049
"""Bytes of the longest number of a key, 16384 bits of RSA."""
KEYS = 8192
"""Bytes of public keys that are believed, some fifteen of 4096 bits: ciphertext looks like their numbers."""


def ssh_keys(data: bytes) -> bool:
    """Public keys of SSH (RFC 4253, section 6.6), one behind the other: a name, then numbers with lengths; no more
    than KEYS bytes of them."""
    if len(data) > KEYS:
        return False
    place = 0
    while place + 24 <= len(data):
        name = _KEY.match(data, place + 4)
        if name is None or int.from_bytes(data[place : place + 4], "big") != name.end() - name.start():
            return False
        place = name.end()
        fields = {b"ssh-rsa": 2, b"ssh-dss": 4}.get(name[0], 1 if name[0].endswith(b"9") else 2)
        for _ in range(fields + (name[0].startswith(b"sk-"))):
            size = int.from_bytes(data[place : place + 4], "big")
            if size > _NUMBER and place + 4 <= len(data):
                return False
            place += 4 + size
        if place + 24 <= len(data) and _KEY.match(data, place + 4) is None:
            return False
    return True


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"wvpk": ("wavpack", wavpack),
    b"caff": ("caf", core_audio),
    b"\xd6\xc3\xc4": ("vcdiff", vcdiff),
    b"LRZI": ("lrzip", lrzip),
    b"7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3": ("zpaq", zpaq),
    b"zPQ": ("zpaq", zpaq),
    b"MSWIM\0\0\0\xd0\0\0\0": ("wim", wim),
    b"CRAM": ("cram", cram),
    b"\0\0\0\x07ssh-": ("ssh keys", ssh_keys),
    b"\0\0\0\x0bssh-": ("ssh keys", ssh_keys),
    b"\0\0\0\x13ecdsa-": ("ssh keys", ssh_keys),
}
"""Magic number -> name and parser."""
