"""Files of tables are known by their head, and believed while what they hold is no noise."""

import bz2
import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.heads import examine
from pywall_hedge.tables import avro, hdf5

NOISE = random.Random(21).randbytes(20_000)
ROWS = b"".join(b"row %d of the table, %d\n" % (n, n * n) for n in range(1500))


def long(value: int) -> bytes:
    value, out = value << 1, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def avro_file(codec: bytes, *blocks: bytes) -> bytes:
    pairs = {b"avro.codec": codec, b"avro.schema": b'{"type":"string"}'}
    head = b"Obj\x01" + long(len(pairs)) + b"".join(long(len(part)) + part for pair in pairs.items() for part in pair)
    marker = bytes(range(100, 116))
    return head + b"\0" + marker + b"".join(long(40) + long(len(block)) + block + marker for block in blocks)


def raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(6, zlib.DEFLATED, -15)
    return coder.compress(data) + coder.flush()


def hdf5_file(content: bytes) -> bytes:
    head = (
        b"\x89HDF\r\n\x1a\n" + bytes((0, 0, 0, 0, 0, 8, 8, 0)) + struct.pack("<HHI", 4, 16, 0) + bytes(8) + b"\xff" * 8
    )
    return head.ljust(2048, b"\0") + content


AVRO = {
    "null": avro_file(b"null", ROWS, ROWS),
    "deflate": avro_file(b"deflate", raw_deflate(ROWS), raw_deflate(ROWS)),
    "other": avro_file(b"bzip2", bz2.compress(ROWS)),
}


@pytest.mark.parametrize("name", AVRO)
def test_an_avro_file_is_known_at_any_length(name):
    data = AVRO[name]
    assert all(examine(data[:size]) == "avro" for size in range(96, len(data), 211))


@pytest.mark.parametrize("codec", [b"null", b"deflate", b"snappy"])
def test_noise_in_an_avro_file_is_not_believed(codec):
    assert examine(avro_file(codec, NOISE)) is None


def test_what_follows_an_avro_block_must_be_its_marker():
    assert examine(avro_file(b"null", ROWS) + NOISE) is None


def test_an_hdf5_file_is_known():
    assert examine(hdf5_file(ROWS)) == "hdf5"
    assert examine(hdf5_file(b"".join(zlib.compress(ROWS[at:]) for at in range(0, 9000, 700)))) == "hdf5"
    assert examine(hdf5_file(NOISE)) is None


@given(data=st.binary(max_size=400))
def test_any_bytes_are_taken(data):
    assert avro(b"Obj\x01" + data) in (True, False)
    assert hdf5(b"\x89HDF\r\n\x1a\n" + data) in (True, False)
