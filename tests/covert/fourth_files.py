"""Benign shapes IX: files as real encoders write them, whole, in pieces of one's own, and from the middle; blind."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

import brotli
import pyarrow as pa
import zstandard

from .encoders import record
from .fourth_encoders import (
    KINDS,
    SIZE,
    Make,
    arrays,
    arrow,
    code_file,
    compiled,
    database,
    film,
    git_pack,
    jar,
    layer,
    office_document,
    orc,
    parquet,
    sound_file,
    still,
    tensors,
    text_or_code,
)
from .mimicry_shapes import program
from .sessions import Session, Transport, add_shape

FILES: dict[str, Make] = {
    "webp-photo": still("WEBP", quality=90),
    "webp-lossless": still("WEBP", lossless=True),
    "avif": still("AVIF", quality=70),
    "jpeg-2000": still("JPEG2000", quality_mode="rates", quality_layers=[20]),
    "jpeg-cmyk": still("JPEG", mode="CMYK", quality=80),
    "png-palette": still("PNG", mode="P", optimize=True),
    "tiff-lzw": still("TIFF", compression="tiff_lzw"),
    "pdf-of-picture": still("PDF", quality=70),
    "opus": sound_file("ogg", "libopus"),
    "vorbis": sound_file("ogg", "vorbis"),
    "flac": sound_file("flac", "flac"),
    "m4a": sound_file("mp4", "aac"),
    "mp3": sound_file("mp3", "libmp3lame", 44_100),
    "wavpack": sound_file("wv", "wavpack"),
    "ac3": sound_file("ac3", "ac3", bits=192_000),
    "caf-alac": sound_file("caf", "alac"),
    "mkv-h264": film("matroska", "libx264", preset="fast"),
    "mp4-hevc": film("mp4", "libx265", preset="ultrafast", **{"x265-params": "log-level=none"}),
    "webm-vp9": film("webm", "libvpx-vp9", deadline="realtime", **{"cpu-used": "8"}),
    "mp4-av1": film("mp4", "libsvtav1", preset="12"),
    "ps-mpeg2": film("vob", "mpeg2video", bits=1_500_000),
    "mov-prores": film("mov", "prores_ks", "yuv422p10le"),
    "avi-mjpeg": film("avi", "mjpeg", "yuvj420p"),
    "zstd-19": lambda kind: zstandard.compress(text_or_code(kind), 19),
    "zstd-stream": lambda kind: zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj().compress(
        text_or_code(kind)
    ) + b"",
    "brotli-11": lambda kind: brotli.compress(text_or_code(kind)[:90_000], quality=11),
    "brotli-4": lambda kind: brotli.compress(text_or_code(kind), quality=4),
    "lz4-frame": lambda kind: bytes(pa.Codec("lz4").compress(text_or_code(kind), asbytes=True)),
    "bz2-1": lambda kind: bz2.compress(text_or_code(kind), 1),
    "xz-of-code": lambda kind: lzma.compress(code_file(kind), preset=6),
    "layer-gzip": lambda kind: gzip.compress(layer(kind), 6),
    "layer-zstd": lambda kind: zstandard.compress(layer(kind), 3),
    "document": office_document,
    "jar": jar,
    "parquet-snappy": parquet("snappy"),
    "parquet-zstd": parquet("zstd"),
    "arrow-lz4": arrow("lz4"),
    "arrow-zstd": arrow("zstd"),
    "arrow-plain": arrow(None),
    "orc-zlib": orc,
    "sqlite": database,
    "git-pack": git_pack,
    "npz": arrays,
    "tensors-f32": tensors("F32"),
    "tensors-f16": tensors("F16"),
    "tensors-bf16": tensors("BF16"),
    "pickle": lambda kind: pickle.dumps([record(Random(kind), n) for n in range(900)], 5),
    "compiled": compiled,
    "executable": lambda kind: program()[: SIZE + 4096 * kind],
}  # fmt: skip
made = cache(lambda name, kind: FILES[name](kind))

MIDDLES = ("webp-photo", "zstd-19", "bz2-1", "brotli-4", "opus", "mkv-h264", "xz-of-code", "layer-gzip", "mp4-av1")
PIECES: dict[str, tuple[int, Callable[[int, bytes], bytes], Transport]] = {
    "avif": (2000, lambda n, d: struct.pack(">IH", n, len(d)) + d, "tcp"),
    "opus": (900, lambda n, d: b"\x01" + struct.pack("<IH", n, len(d)) + d, "tcp"),
    "webp-photo": (1024, lambda n, d: struct.pack(">HH", n, len(d)) + d, "udp"),
    "zstd-19": (16_000, lambda n, d: b"BLK%05d" % n + struct.pack(">I", len(d)) + d, "tcp"),
    "brotli-4": (4096, lambda n, d: b"%x\r\n" % len(d) + d + b"\r\n", "tcp"),
    "layer-zstd": (
        8192,
        lambda n, d: struct.pack("<QI", n * 8192, len(d)) + d + struct.pack("<I", zlib.crc32(d)),
        "tcp",
    ),
    "mkv-h264": (1316, lambda n, d: struct.pack(">IIH", n, n * 7000, 0x40) + d, "udp"),
    "git-pack": (65_515, lambda n, d: b"%04x\1" % (len(d) + 5) + d, "tcp"),
    "lz4-frame": (1200, lambda n, d: struct.pack("<HBB", len(d), 4, n & 255) + d, "tcp"),
    "jar": (512, lambda n, d: struct.pack(">HH", 3, n + 1) + d, "udp"),
}


def _whole(name: str) -> None:
    def session(rng: Random) -> Session:
        data = made(name, rng.randrange(KINDS))[: rng.choice((12_000, SIZE))]
        talk = Session().client(rng.choice((b"", b"fetch %s\n" % name.encode(), struct.pack("<IB", 5, 1))))
        return talk.server(rng.choice((b"", b"", struct.pack(">Q", len(data)))) + data)

    add_shape(f"fourth-{name}", "fourth files", False, session)


def _pieces(name: str) -> None:
    size, head, transport = PIECES[name]

    def session(rng: Random) -> Session:
        data, talk = made(name, rng.randrange(KINDS))[:SIZE], Session(transport).client(b"sub\n")
        for n, at in enumerate(range(0, len(data), size)):
            talk.server(head(n, data[at : at + size]))
        return talk

    add_shape(f"fourth-pieces-{name}", "fourth pieces", False, session)


def _middle(name: str) -> None:
    def session(rng: Random) -> Session:
        data = made(name, rng.randrange(KINDS))
        start = rng.randint(len(data) // 10, len(data) // 2)
        talk = Session().server(data[start : start + SIZE])
        talk.midstream = True
        return talk

    add_shape(f"fourth-middle-{name}", "fourth middles", False, session)


for _name in FILES:
    _whole(_name)
for _name in PIECES:
    _pieces(_name)
for _name in MIDDLES:
    _middle(_name)
