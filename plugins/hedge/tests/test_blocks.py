"""Heads of files in blocks: known as far as the bytes go, and not where their numbers do not fit."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import blocks
from pywall_hedge.heads import examine
from pywall_hedge.stream import StreamClassifier

NOISE = Random(9).randbytes(60_000)


def wavpack() -> bytes:
    out = b""
    for number in range(6):
        body = b"\x02\x01\0\0" + b"\x8a" + (4000).to_bytes(3, "little") + NOISE[number * 8000 : number * 8000 + 8000]
        head = struct.pack("<IHBBIIIII", 24 + len(body), 0x410, 0, 0, 200_000, number * 24_000, 24_000, 0x1804, 7)
        out += b"wvpk" + head + body
    return out


def core_audio() -> bytes:
    desc = struct.pack(">d4sIIIII", 48_000.0, b"opus", 0, 0, 960, 1, 0)
    return (
        b"caff\0\1\0\0desc" + struct.pack(">q", 32) + desc + b"info" + struct.pack(">q", 8) + b"\0\0\0\1a\0b\0"
        b"data" + struct.pack(">q", -1) + b"\0\0\0\1" + NOISE[:40_000]
    )


def base128(number: int) -> bytes:
    digits = [number & 127]
    while number := number >> 7:
        digits.append(number & 127 | 128)
    return bytes(reversed(digits))


def vcdiff() -> bytes:
    out = b"\xd6\xc3\xc4\0\5\2\3a/b"
    for number in range(4):
        data, code, address = NOISE[:5000], NOISE[5000:5700], NOISE[6000:6300]
        sizes = base128(90_000) + b"\3" + b"".join(base128(len(part)) for part in (data, code, address))
        delta = sizes + b"\1\2\3\4" + data + code + address
        out += b"\5" + base128(70_000) + base128(number) + base128(len(delta)) + delta
    return out


def lrzip() -> bytes:
    head = b"LRZI\0\6" + struct.pack("<Q", 160_000) + b"\0\0\x5d\0\0\0\1\1\0\0"
    streams = b"\3" + bytes(6) + b"\x14\0\0" + b"\3" + bytes(6) + b"\xd3\x0d\0"
    return (
        head
        + b"\3\1"
        + (160_000).to_bytes(3, "little")
        + streams
        + b"\6\xb5\x0d\0\xe5\x1b\0"
        + bytes(3)
        + NOISE[:40_000]
    )


def zpaq() -> bytes:
    model = b"\0\0\0\0\2" + b"\3\x10" + b"\2\x10\x20" + b"\0" + b"\x60\x38" + b"\0"
    tag = b"7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3"
    return (
        tag + b"zPQ\2\1" + struct.pack("<H", len(model)) + model + b"\1jDC2026d0000001\x0057 jDC\1\0\0" + NOISE[:40_000]
    )


def wim() -> bytes:
    resource = struct.pack("<QQQ", 0x96 | 2 << 56, 31_000, 0x96)
    head = b"MSWIM\0\0\0" + struct.pack("<IIII", 208, 0x10D00, 0x20082, 32_768) + NOISE[:16]
    return (head + struct.pack("<HHI", 1, 1, 1) + 3 * resource).ljust(208, b"\0") + NOISE[:40_000]


def cram() -> bytes:
    out = b"CRAM\3\0" + b"a.cram".ljust(20, b"\0")
    for _ in range(4):
        head = struct.pack("<i", 9000) + b"\0\x80\x90\x90\x80\x64\0\x81\x2c\2\1\0"
        out += head + struct.pack("<I", zlib.crc32(head)) + NOISE[:9000]
    return out


def ssh_keys() -> bytes:
    out = b""
    for number in range(24):
        modulus = b"\0" + NOISE[number * 256 : number * 256 + 256]
        out += b"\0\0\0\7ssh-rsa\0\0\0\3\1\0\1" + struct.pack(">I", 257) + modulus
        out += b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + NOISE[number : number + 32]
    return out


FILES: dict[str, Callable[[], bytes]] = {
    made.__name__.replace("_", " "): made for made in (wavpack, vcdiff, lrzip, zpaq, wim, cram, ssh_keys)
} | {"caf": core_audio}


@pytest.mark.parametrize("size", [256, 1448, 9000, 65_536])
@pytest.mark.parametrize("name", FILES)
def test_heads_are_known_as_far_as_the_bytes_go(name: str, size: int) -> None:
    assert examine(FILES[name]()[:size]) == name


@pytest.mark.parametrize("name", FILES)
def test_files_pass(name: str) -> None:
    stream = StreamClassifier()
    data = FILES[name]()
    for at in range(0, len(data), 1448):
        stream.update(data[at : at + 1448], False)
    assert not stream.settled()


@pytest.mark.parametrize("magic", blocks.MAGIC)
def test_a_mark_before_ciphertext_is_no_head(magic: bytes) -> None:
    rng = Random(magic)
    assert not any(examine(magic + rng.randbytes(2000)) for _ in range(200))


@pytest.mark.parametrize("name", ["wavpack", "vcdiff", "cram", "ssh keys"])
def test_ciphertext_behind_the_first_block_breaks_it_off(name: str) -> None:
    first = {"wavpack": 8042, "vcdiff": 6030, "cram": 9046, "ssh keys": 279}[name]
    assert examine(FILES[name]()[:first] + NOISE[20_000:50_000]) is None


@pytest.mark.parametrize("name", FILES)
@given(place=st.integers(0, 200), value=st.integers(0, 255), size=st.integers(16, 2000))
def test_any_bytes_get_an_answer(name: str, place: int, value: int, size: int) -> None:
    data = bytearray(FILES[name]()[:size])
    data[min(place, size - 1)] = value
    assert examine(bytes(data)) in (None, name)


def test_public_keys_are_not_believed_for_ever() -> None:
    stream, settled = StreamClassifier(), []
    for at in range(0, 60_000, 256):
        stream.update(b"\0\0\0\7ssh-rsa\0\0\0\3\1\0\1\0\0\1\1\0" + NOISE[at : at + 256], False)
        settled.append(stream.settled())
    assert any(settled)
    assert not any(settled[:28])


def test_a_list_of_public_keys_passes() -> None:
    stream = StreamClassifier()
    keys = (b"\0\0\0\7ssh-rsa\0\0\0\3\1\0\1\0\0\1\1\0" + NOISE[at : at + 256] for at in range(0, 6400, 256))
    stream.update(b"".join(b"ssh-rsa %s user@host\n" % base64.b64encode(key) for key in keys), False)
    assert not stream.settled()
