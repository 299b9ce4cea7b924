"""Heads of compressed arrays, tables and meshes, of JPEG XL, and of LZMA without a container."""

from __future__ import annotations

import io
import lzma
import struct
from collections.abc import Callable
from random import Random

import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet
import pytest
from pywall_hedge.headless import packed
from pywall_hedge.heads import examine, introduced
from pywall_hedge.stream import StreamClassifier

NOISE = Random(5).randbytes(30_000)
TEXT = b" ".join(b"%d of %d" % (n * n, n) for n in range(9000))


def blosc(version: int, *, first: int = 20, body: bytes = NOISE[:3000]) -> bytes:
    header = 16 if version == 2 else 32
    end = header + 8
    packed_size = end + len(body)
    head = bytes((version, 1, 0 if version == 2 else 5, 8)) + struct.pack("<III", 40_000, 20_000, packed_size)
    starts = struct.pack("<II", end, end + 1500)
    return head.ljust(header, b"\0") + starts + struct.pack("<I", first) + body[4:]


def pcodec(total: int = 5000, chunk: int = 5000, kind: int = 5) -> bytes:
    bits = total.bit_length()
    hint = (bits - 1 | total << 6).to_bytes((6 + bits + 7) // 8, "little")
    return b"pco!\3" + bytes((kind,)) + hint + b"\4\1\5" + (chunk - 1).to_bytes(3, "little") + NOISE[:3000]


def laz(point: tuple[int, int, int] = (4500, 4600, 70), number: int = 3000) -> bytes:
    head = bytearray(b"LASF".ljust(227, b"\0"))
    head[24:26] = 1, 2
    struct.pack_into("<HIIBHI", head, 94, 227, 281 + 54, 1, 131, 34, number)
    struct.pack_into("<6d", head, 131, 0.01, 0.01, 0.01, 0, 0, 0)
    struct.pack_into("<6d", head, 179, 99.0, 0.0, 99.0, 0.0, 50.0, 0.0)
    record = struct.pack("<H16sHH32s", 0, b"laszip encoded", 22204, 54, b"LASzip") + bytes(54)
    return bytes(head) + record + struct.pack("<q3i", 50_000, *point) + NOISE[:20_000]


def jxl(size: int = 384) -> bytes:
    bits = 0 << 1 | (size - 1) << 3 | 1 << 12  # nine bits, as wide as high
    return b"\xff\x0a" + bits.to_bytes(2, "little") + NOISE[:6000]


def boxed(stream: bytes) -> bytes:
    return b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl \0\0\0\0jxlc" + stream


def table(write: Callable[[pa.Table, io.BytesIO], object]) -> bytes:
    rng, buffer = Random(3), io.BytesIO()
    rows = [{"id": n, "name": f"name {rng.randint(0, 99)}", "value": rng.random()} for n in range(4000)]
    write(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


HEADS = {
    "blosc": blosc(2),
    "blosc2": b"\x9e\xa8b2frame\0\xd2\0\0\0\x57\xcf" + struct.pack(">Q", 9000) + bytes(63) + blosc(5),
    "pcodec": pcodec(),
    "pcodec ": pcodec(kind=0),
    "laz": laz(),
    "fpzip": bytes.fromhex("66707929870ef0ff00bf400000bf40000000ff000000ff00") + NOISE[:3000],
    "zfp": bytes.fromhex("7a667005f60b00f00b00f00d") + NOISE[:3000],
    "draco": b"DRACO\2\3\0\1\0\0" + struct.pack("<I", 9000) + NOISE[:3000],
    "jpeg-xl": jxl(),
    "jpeg-xl ": boxed(jxl()),
    "parquet": table(lambda rows, out: pyarrow.parquet.write_table(rows, out, compression="brotli")),
    "orc": table(lambda rows, out: pyarrow.orc.write_table(rows, out, compression="zstd")),
    "arrow": table(lambda rows, out: pyarrow.feather.write_feather(rows, out, compression="zstd")),
    "lzma": lzma.compress(TEXT, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "preset": 6}]),
    "lzma2": lzma.compress(TEXT, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}]),
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("size", [256, 1448, 65536])
def test_heads_are_known_as_far_as_the_bytes_go(name: str, size: int) -> None:
    assert examine(HEADS[name][:size]) == name.strip()


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("header", [b"\0\0\x90\1", b"BLK\1\0\0\0\x40", struct.pack(">Q", 60_000)])
def test_heads_are_known_behind_a_header(name: str, header: bytes) -> None:
    assert introduced((header + HEADS[name])[:4000]) == name.strip()


@pytest.mark.parametrize(
    "data",
    [
        blosc(2, first=0),  # a stream of no bytes
        blosc(5)[:8] + struct.pack("<I", 50_000) + blosc(5)[12:],  # a block that is larger than all
        blosc(2) + NOISE,  # ciphertext behind it
        pcodec(4000, 5000),  # a chunk of more numbers than there are
        pcodec(900, 900) + NOISE,  # more than they can take
        pcodec(kind=7),  # a chunk of another type
        laz((9999, 4600, 70)),  # a point outside
        laz(number=100) + NOISE,
        jxl(16) + NOISE,
        boxed(NOISE),
        b"ORC" + NOISE,
        b"PAR1" + NOISE,
        b"ARROW1\0\0" + NOISE,
        b"bvx2" + NOISE,
        b"\0" + NOISE,
        b"\xe0\x12\x34\x23\x45\x5d\0" + NOISE,
    ],
)
def test_a_mark_before_ciphertext_is_no_head(data: bytes) -> None:
    assert examine(data) is None


@pytest.mark.parametrize("name", ["lzma", "lzma2"])
def test_messages_of_lzma_are_known_behind_what_they_have_in_common(name: str) -> None:
    coder = {"id": lzma.FILTER_LZMA1 if name == "lzma" else lzma.FILTER_LZMA2, "preset": 6}
    messages = [lzma.compress(TEXT[at : at + 900], lzma.FORMAT_RAW, filters=[coder]) for at in range(0, 9000, 900)]
    assert packed([b"FR\1" + message for message in messages], 9) == "lzma"


@pytest.mark.parametrize("name", HEADS)
def test_files_pass(name: str) -> None:
    stream = StreamClassifier()
    for at in range(0, len(HEADS[name]), 1448):
        stream.update(HEADS[name][at : at + 1448], False)
    assert not stream.settled()
