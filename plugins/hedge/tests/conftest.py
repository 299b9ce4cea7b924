"""Products of many formats, made with the standard library from its own source and noise of a fixed seed."""

import argparse
import bz2
import gzip
import inspect
import io
import lzma
import pickle
import random
import struct
import subprocess
import typing
import zipfile
import zlib
from pathlib import Path

import pytest


def make_text(size, seed=1):
    """Text: the standard library's own source, two different stretches for the two seeds."""
    modules = (argparse, typing) if seed == 1 else (inspect, subprocess, zipfile, pickle)
    return b"".join(Path(module.__file__).read_bytes() for module in modules)[:size]


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(size=200):
    rng = random.Random(4)
    rows = b"".join(b"\0" + bytes((x * y + rng.randrange(9)) & 255 for x in range(size)) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    packed = zlib.compress(rows)
    parts = [_chunk(b"IDAT", packed[at : at + 8192]) for at in range(0, len(packed), 8192)]
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(parts) + _chunk(b"IEND", b"")


def make_zip(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"part{number}.txt", data[number * 1000 :])
    return out.getvalue()


def make_mp3(frames=80):
    rng = random.Random(6)
    return b"".join(b"\xff\xfb\x90\x64" + rng.randbytes(413) for _ in range(frames))  # 128 kbit/s at 44.1 kHz


def make_mp4():
    rng = random.Random(8)
    samples = b"".join(
        struct.pack(">I", size) + rng.randbytes(size) for size in (rng.randint(200, 3000) for _ in range(40))
    )
    boxes = ((b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomavc1"), (b"free", b""), (b"mdat", samples))
    return b"".join(struct.pack(">I", len(body) + 8) + kind + body for kind, body in boxes)


def make_products():
    data = make_text(120_000)
    return {
        "gzip": gzip.compress(data, mtime=0),
        "zlib": zlib.compress(data),
        "bzip2": bz2.compress(data),
        "xz": lzma.compress(data),
        "lzma": lzma.compress(data, lzma.FORMAT_ALONE),
        "zip": make_zip(data),
        "png": make_png(),
        "mpeg-audio": make_mp3(),
        "mp4": make_mp4(),
    }


@pytest.fixture(scope="session")
def products():
    """Format as `pywall_hedge.heads.examine` names it -> a whole product."""
    return make_products()


@pytest.fixture(scope="session")
def text():
    return make_text(120_000, seed=2)
