"""A scan counts as a JPEG's if it decodes with the tables in front of it."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import heads, huffman

FRAME = bytes.fromhex("08 0040 0040 03 01 22 00 02 11 01 03 11 01")
SCAN = bytes.fromhex("03 01 00 02 11 03 11 00 3f 00")
TABLES = bytes.fromhex(  # a short code of each length from 2 on, and one for the end of a block
    "00 00020103000000000000000000000000 000102030405 10 00020102000000000000000000000000 0001020311"
)


def codes_of(tables: huffman.Codes) -> dict[int, str]:
    return {symbol: bits[:length] for bits, (symbol, length) in tables.items()}


def blocks(rng: random.Random, number: int, tables: bytes = b"") -> bytes:
    """The blocks of a picture of the three components, restarted once, as a coder would write them."""
    known = huffman.read_tables(huffman._USUAL) | huffman.read_tables(tables)
    out = []
    for part in range(2):
        bits = ""
        for at in range(number):
            chroma = at % 6 > 3
            difference, coefficients = codes_of(known[chroma]), codes_of(known[0x10 | chroma])
            size = rng.choice([0, 1, 2, 3])
            bits += difference[size] + format(rng.getrandbits(8), "08b")[:size]
            for _ in range(rng.randrange(12)):
                symbol = rng.choice([1, 2, 3, 0x11])
                bits += coefficients[symbol] + format(rng.getrandbits(8), "08b")[: symbol & 15]
            bits += coefficients[0]
        bits += "1" * (-len(bits) % 8)
        out.append(int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0"))
        out.append(bytes((0xFF, 0xD0 + part)))
    return b"".join(out[:-1])


def picture(data: bytes, tables: bytes = b"", *, frame: bytes = FRAME, marker: int = 0xC0) -> bytes:
    def segment(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body

    quantized = segment(0xDB, b"\0" + bytes([9]) * 64)
    known = segment(0xC4, tables) if tables else b""
    return b"\xff\xd8" + quantized + (segment(marker, frame) if frame else b"") + known + segment(0xDA, SCAN) + data


@pytest.mark.parametrize("tables", [b"", TABLES], ids=["usual", "own"])
@pytest.mark.parametrize("seed", range(20))
def test_what_a_coder_writes_decodes_however_much_is_there(tables, seed):
    whole = picture(blocks(random.Random(seed), 120, tables), tables) + b"\xff\xd9"
    for size in (120, 200, 300, 500, 900, len(whole)):
        assert heads.examine(whole[:size]) == "jpeg"


def test_noise_behind_real_tables_breaks_off():
    rng = random.Random(3)
    noise = [picture(rng.randbytes(1100).replace(b"\xff", b"\xff\0")) for _ in range(60)]
    assert sum(heads.examine(data) is not None for data in noise) <= 12


def test_a_scan_needs_a_frame_and_its_tables():
    data = blocks(random.Random(1), 60)
    assert heads.examine(picture(data)) == "jpeg"
    assert heads.examine(picture(data, frame=b"")) is None
    assert heads.examine(picture(data, frame=FRAME.replace(b"\x01\x22", b"\x07\x22"))) == "jpeg"
    assert heads.examine(picture(data, frame=bytes.fromhex("08 0040 0040 01 09 11 00"))) is None
    assert heads.examine(picture(random.Random(2).randbytes(900).replace(b"\xff", b""), marker=0xC2)) == "jpeg"


@given(st.binary(max_size=40), st.binary(max_size=80), st.binary(max_size=20), st.binary(max_size=200))
def test_no_bytes_make_it_raise(frame, tables, scan, data):
    assert huffman.scan_decodes(frame, tables, scan or b"\0", data) in (True, False)
