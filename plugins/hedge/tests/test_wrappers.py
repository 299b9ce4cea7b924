"""Wrappers are known when what is inside is; ciphertext in them is not believed."""

import io
import lzma
import random
import struct
import tarfile
import zlib

import pytest
from pywall_hedge import heads

NOISE = random.Random(9).randbytes(20_000)


def make_ar(body):
    member = b"data.tar/".ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8)
    return b"!<arch>\n" + member + str(len(body)).encode().ljust(10) + b"`\n" + body


def make_tar(body):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("data.bin")
        entry.size = len(body)
        archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def make_cpio(body):
    name = b"data.bin\0"
    fields = (1, 0o100644, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % value for value in fields) + name
    return head + bytes(-len(head) % 4) + body


def make_rpm(body):
    def header(size):
        return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">II", 1, size) + bytes(16) + bytes(size)

    first = header(11)
    return b"\xed\xab\xee\xdb" + bytes(92) + first + bytes(-(96 + len(first)) % 8) + header(40) + body


def make_squashfs(body):
    return struct.pack("<4sIIIIHHHHHH", b"hsqs", 7, 0, 131072, 1, 1, 17, 0x200, 1, 4, 0).ljust(96, b"\0") + body


WRAPPERS = {"ar": make_ar, "tar": make_tar, "cpio": make_cpio, "rpm": make_rpm, "squashfs": make_squashfs}


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_known_structure_inside_is_believed(name, products):
    assert heads.examine(WRAPPERS[name](products["xz"])[:8000]) == name


@pytest.mark.parametrize("name", WRAPPERS)
def test_ciphertext_inside_is_not(name):
    assert heads.examine(WRAPPERS[name](NOISE)[:8000]) is None


def test_lzip_decodes(text):
    coder = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 2}
    packed = lzma.compress(text, lzma.FORMAT_RAW, filters=[coder])
    assert heads.examine(b"LZIP\x01\x14" + packed) == "lzip"
    assert heads.examine(b"LZIP\x01\x14" + NOISE) is None


def test_tta_has_a_checksum():
    head = b"TTA1" + struct.pack("<HHHII", 1, 2, 16, 44100, 1_000_000)
    assert heads.examine(head + struct.pack("<I", zlib.crc32(head)) + NOISE) == "tta"
    assert heads.examine(head + NOISE) is None


def test_structures_behind_each_other_are_examined_within_a_budget(text):
    """Each record might begin the rest in several ways: without a bound the work would double with each."""
    records = [b"\x78\x9c" + zlib.compress(text[at : at + 80])[:-6] + b"\x78\x9c\x78\x01" for at in range(0, 8000, 80)]
    heads.introduced(b"".join(records))
    whole = [struct.pack(">H", 60) + zlib.compress(text[at : at + 80]) for at in range(0, 8000, 80)]
    assert heads.introduced(b"".join(whole)) == "zlib"
