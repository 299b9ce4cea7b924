"""Fonts, scanned pages and measurements: known as far as the bytes go, and not where what is inside does not fit."""

from __future__ import annotations

import random
import struct
import zlib
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import printing
from pywall_hedge.heads import examine
from pywall_hedge.stream import StreamClassifier

RANDOM = random.Random(4)
NOISE = RANDOM.randbytes(20_000)
HEAD = b"%!PS-AdobeFont-1.0: Trial 001.001\n/FontName /Trial def\ncurrentfile eexec\r"
PRIVATE = (
    b"dup /Private 17 dict dup begin /RD {string currentfile exch readstring pop} executeonly def /Subrs 9 array\n"
)


def enciphered(text: bytes) -> bytes:
    """The inverse of what the module does (Adobe Type 1 Font Format, 7.2)."""
    key, out = 55665, bytearray()
    for byte in text:
        out.append(byte ^ key >> 8)
        key = (out[-1] + key) * 52845 + 22719 & 0xFFFF
    return bytes(out)


SECRET = enciphered(b"\xd9\xd6\x6f\x63" + PRIVATE + NOISE)


def in_segments(secret: bytes) -> bytes:
    return b"\x80\1" + struct.pack("<I", len(HEAD)) + HEAD + b"\x80\2" + struct.pack("<I", len(secret)) + secret


def djvu(body: bytes) -> bytes:
    info = b"INFO" + struct.pack(">I", 10) + struct.pack(">HHBBHBB", 640, 480, 24, 0, 300, 22, 1)
    page = b"DJVU" + info + b"Sjbz" + struct.pack(">I", len(body)) + body
    return b"AT&TFORM" + struct.pack(">I", len(page)) + page


def block(kind: bytes, body: bytes) -> bytes:
    size = 24 + len(body)
    return b"##" + kind + bytes(4) + struct.pack("<QQ", size, 0) + body + bytes(-size % 8)


def measured(kind: bytes, body: bytes) -> bytes:
    return b"MDF     4.10    trial   ".ljust(64, b"\0") + block(b"HD", bytes(80)) + block(kind, body)


def packed(data: bytes) -> bytes:
    body = zlib.compress(data)
    return b"DT\1\0" + struct.pack("<IQQ", 8, len(data), len(body)) + body


COUNTED = struct.pack("<3000d", *accumulate(RANDOM.gauss(0, 1) // 0.01 / 100 for _ in range(3000)))
KNOWN = {
    "type1": [HEAD + SECRET, in_segments(SECRET), HEAD + SECRET[:2000].hex().encode(), HEAD[:60]],
    "djvu": [djvu(NOISE[:5000]), djvu(NOISE[:501]) + b"\0"],
    "mdf": [measured(b"DZ", packed(COUNTED)), measured(b"DT", COUNTED)],
}
UNFIT = [
    HEAD + NOISE,
    in_segments(NOISE),
    HEAD + NOISE.hex().encode(),
    djvu(NOISE[:5000]) + NOISE,
    measured(b"DZ", packed(NOISE)),
    measured(b"DT", NOISE),
    measured(b"DT", COUNTED) + NOISE,
]


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, several in KNOWN.items() for data in several])
def test_files_are_known_from_their_heads(name, data):
    assert examine(data) == name
    stream = StreamClassifier()
    for at in range(0, len(data), 1448):
        stream.update(data[at : at + 1448])
        assert not stream.settled()


@pytest.mark.parametrize("data", UNFIT)
def test_noise_in_their_place_is_none(data):
    assert examine(data) is None


@given(st.sampled_from([*printing.MAGIC]), st.binary(max_size=300))
def test_any_bytes_may_follow_the_mark(magic, data):
    examine(magic + data)
