"""Covert shapes IV: commands, plain messages or a file's head before or between ciphertext; written blind, as III."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import struct
import zlib
from collections.abc import Callable
from random import Random

import pyarrow
import zstandard

from .encoders import float_rows, json_line
from .mimicry_shapes import program
from .sessions import Session, add_shape, dialogue, shape


def _plain(data: bytes, number: int, to_server: bool) -> bytes:
    return data


@shape("commands", covert=True)
def commands_then_sealed(rng: Random) -> Session:
    """A login in lines of text, then nothing but ciphertext."""
    session = (
        Session()
        .client(b"LOGIN bob 8f3a21\r\n")
        .server(b"100 HELLO\r\n")
        .client(b"CIPHER aes\r\n")
        .server(b"200 SWITCH\r\n")
    )
    session.turns += dialogue(rng, _plain).turns
    return session


@shape("commands", covert=True)
def command_and_sealed_answer(rng: Random) -> Session:
    """A line of text up, its size in text and ciphertext down, again and again."""
    session = Session()
    for number in range(rng.randint(4, 25)):
        size = rng.randint(200, 3000)
        session.client(b"FETCH job/%d HTTP\n" % number).server(b"SIZE %d\n" % size + rng.randbytes(size))
    return session


@shape("commands", covert=True)
def header_lines_each(rng: Random) -> Session:
    """A block of header lines before each sealed body."""
    return dialogue(
        rng, lambda d, n, up: b"X-Len: %d\nX-Seq: %d\nX-Kind: blob\n\n" % (len(d), n) + d, sizes=(200, 1400)
    )


@shape("commands", covert=True)
def data_lines_and_dot(rng: Random) -> Session:
    """DATA, a size, ciphertext, and a dot on a line."""
    return dialogue(rng, lambda d, n, up: b"DATA %d %d\r\n" % (n, len(d)) + d + b"\r\n.\r\n")


@shape("commands", covert=True)
def pings_then_sealed(rng: Random) -> Session:
    """Twelve pings in text, then ciphertext."""
    session = Session()
    for number in range(12):
        session.client(b"ping %d\n" % number).server(b"pong %d\n" % number)
    session.turns += dialogue(rng, _plain).turns
    return session


@shape("beside", covert=True)
def telemetry_between(rng: Random) -> Session:
    """A message of floats, then a sealed one, in turn."""
    return dialogue(
        rng, lambda d, n, up: float_rows(rng, n) if n % 2 else struct.pack(">H", len(d)) + d, sizes=(200, 1200)
    )


@shape("beside", covert=True)
def telemetry_down_sealed_up(rng: Random) -> Session:
    """Floats from the server, ciphertext from the client."""
    session = Session()
    for number in range(rng.randint(10, 50)):
        session.server(float_rows(rng, number)).client(rng.randbytes(rng.randint(100, 1300)))
    return session


@shape("beside", covert=True)
def json_then_sealed_stream(rng: Random) -> Session:
    """Four kilobytes of JSON both ways, then ciphertext."""
    session = Session()
    for number in range(15):
        session.client(json_line(rng, number)).server(json_line(rng, number))
    session.turns += dialogue(rng, _plain).turns
    return session


@shape("beside", covert=True)
def server_speaks_first(rng: Random) -> Session:
    """A sealed greeting of the server, then a dialogue."""
    session = Session().server(rng.randbytes(rng.randint(80, 700)))
    session.turns += dialogue(rng, _plain).turns
    return session


@shape("beside", covert=True)
def handshake_of_points(rng: Random) -> Session:
    """Two points of 65 bytes with a head each, then records with a type."""
    session = Session().client(b"\0\x43\x01\x04" + rng.randbytes(64)).server(b"\0\x43\x02\x04" + rng.randbytes(64))
    session.turns += dialogue(rng, lambda d, n, up: struct.pack(">HB", len(d) + 1, 3) + d).turns
    return session


# --- files whose content is ciphertext ---


def _wave(data: bytes) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 88_200, 2, 16)
    return b"".join(
        (b"RIFF", struct.pack("<I", len(data) + 36), b"WAVEfmt ", form, b"data", struct.pack("<I", len(data)), data)
    )


def _bitmap(data: bytes) -> bytes:
    side = math.isqrt(len(data) // 3) // 4 * 4
    return (
        b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54 + side * side * 3, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 2835, 2835, 0, 0)
        + data
    )


def _flac(data: bytes) -> bytes:
    return b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + b"\x0a\xc4\x42\xf0" + bytes(20) + data


FILES: dict[str, Callable[[bytes], bytes]] = {
    "openssl-salted": lambda d: b"Salted__" + d,
    "sqlite-head-only": lambda d: b"SQLite format 3\0" + struct.pack(">HBBBBBB", 4096, 1, 1, 0, 64, 32, 32) + d,
    "elf-head-only": lambda d: program()[:512] + d,
    "wave-of-noise": _wave,
    "bitmap-of-noise": _bitmap,
    "flac-head-only": _flac,
    "bzip2-head-only": lambda d: b"BZh91AY&SY" + d,
    "zstd-of-noise": lambda d: zstandard.ZstdCompressor().compress(d),
    "lz4-frame-of-noise": lambda d: pyarrow.compress(d, "lz4", asbytes=True),
    "snappy-of-noise": lambda d: pyarrow.compress(d, "snappy", asbytes=True),
    "brotli-of-noise": lambda d: pyarrow.compress(d, "brotli", asbytes=True),
    "xz-of-noise": lzma.compress,
    "gzip-of-base-noise": lambda d: gzip.compress(gzip.compress(d)),
    "rar-head-only": lambda d: b"Rar!\x1a\x07\x01\0" + d,
    "mkv-head-only": lambda d: bytes.fromhex("1a45dfa3934282886d6174726f736b614287810442858102") + d,
    "ogg-head-only": lambda d: b"OggS\0\2" + bytes(8) + b"\x12\x34\0\0\0\0\0\0" + d,
    "docx-of-noise": lambda d: (
        b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0"
        + struct.pack("<III", zlib.crc32(d), len(d), len(d) + 50)
        + b"\x13\0\0\0[Content_Types].xml"
        + d
    ),
}
for _name, _make in FILES.items():
    add_shape(
        _name,
        "holders",
        True,
        (lambda make: lambda rng: Session().client(b"STOR\n").client(make(rng.randbytes(rng.randint(20_000, 50_000)))))(
            _make
        ),
    )

for _name, _squeeze in {
    "zlib-each-of-noise": zlib.compress,
    "zstd-each-of-noise": zstandard.ZstdCompressor().compress,
    "bz2-each-of-noise": bz2.compress,
}.items():
    add_shape(
        _name,
        "holders",
        True,
        (
            lambda squeeze: (
                lambda rng: dialogue(
                    rng, lambda d, n, up: (lambda z: struct.pack(">I", len(z)) + z)(squeeze(d)), sizes=(200, 1400)
                )
            )
        )(_squeeze),
    )
