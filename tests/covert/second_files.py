"""Benign shapes VI: files of formats that the first modules lack; written blind, as III."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import scipy.io
import zstandard
from PIL import ImageFont

from .benign_files import _audio, _image, _tar, _video, _zip, picture
from .encoders import record
from .mimicry_shapes import source_text
from .second_media import KINDS, SIZE
from .sessions import Session, add_shape, transfer

# --- files ---


def _saved(write: Callable[[io.BytesIO, int], object]) -> Callable[[int], bytes]:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        write(buffer, kind)
        return buffer.getvalue()

    return make


def _table(kind: int, rows: int = 3000) -> pyarrow.Table:
    rng = Random(kind)
    return pyarrow.Table.from_pylist([record(rng, number) for number in range(rows)])


def _text(kind: int, size: int = 120_000) -> bytes:
    return source_text(Random(kind + 70), size)


def _office(*names: str, image: bool = False) -> Callable[[int], bytes]:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, name in enumerate(names):
                archive.writestr(name, b'<?xml version="1.0"?><w:t>' + _text(kind * 9 + number, 30_000) + b"</w:t>")
            if image:
                archive.writestr("word/media/image1.jpeg", _image("JPEG", quality=80)(kind), zipfile.ZIP_STORED)
        return buffer.getvalue()

    return make


def _streamed_zip(kind: int) -> bytes:
    """A zip to a pipe: sizes behind the data, in descriptors."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.parts.append(bytes(data))
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for number in range(5):
            archive.writestr(f"log{number}.txt", _text(kind * 5 + number, 30_000))
    return b"".join(pipe.parts)


def _woff(kind: int) -> bytes:
    """A web font: tables of a TrueType font, each in zlib."""
    font = bytes(ImageFont.load_default(12).font_bytes)  # type: ignore[union-attr]
    count = struct.unpack(">H", font[4:6])[0]
    tables, bodies, place = b"", b"", 44 + 20 * count
    for number in range(count):
        tag, total, start, size = struct.unpack(">4sIII", font[12 + 16 * number : 28 + 16 * number])
        packed = zlib.compress(font[start : start + size])
        packed = packed if len(packed) < size else font[start : start + size]
        tables += tag + struct.pack(">IIII", place, len(packed), size, total)
        bodies += packed + bytes(-len(packed) % 4)
        place += len(packed) + -len(packed) % 4
    return (
        struct.pack(">4s4sIHHIHHIIIII", b"wOFF", font[:4], place, count, 0, len(font), 1, 0, 0, 0, 0, 0, 0)
        + tables
        + bodies
    )


def _base(kind: int) -> bytes:
    base = sqlite3.connect(":memory:")
    base.execute("create table t (id integer primary key, name text, time integer, price real, note text, photo blob)")
    rng = Random(kind)
    for number in range(800):
        row = record(rng, number)
        base.execute("insert into t values (?, ?, ?, ?, ?, ?)", (number, *[str(v) for v in row.values()][:4], None))
    return base.serialize()


def _matrix(kind: int) -> np.ndarray:
    return np.random.default_rng(kind).normal(0, 1, (90, 90))


def _members(kind: int) -> bytes:
    return b"".join(gzip.compress(_text(kind * 7 + number, 9000)) for number in range(12))


def _tar_of(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


FILES: dict[str, Callable[[int], bytes]] = {
    "parquet-snappy": _saved(lambda b, k: pyarrow.parquet.write_table(_table(k), b, compression="snappy")),
    "parquet-zstd": _saved(lambda b, k: pyarrow.parquet.write_table(_table(k), b, compression="zstd")),
    "parquet-plain": _saved(lambda b, k: pyarrow.parquet.write_table(_table(k), b, compression="none")),
    "feather-lz4": _saved(lambda b, k: pyarrow.feather.write_feather(_table(k), b, compression="lz4")),
    "npy": _saved(lambda b, k: np.save(b, _matrix(k))),
    "npz": _saved(lambda b, k: np.savez_compressed(b, a=_matrix(k), b=np.arange(9000))),
    "mat": _saved(lambda b, k: scipy.io.savemat(b, {"a": _matrix(k)}, do_compression=True)),
    "docx": _office("[Content_Types].xml", "word/document.xml", "word/styles.xml", image=True),
    "jar": _office("META-INF/MANIFEST.MF", "a/B.class", "a/C.class", "a/D.class"),
    "epub": lambda k: _zip(b"application/epub+zip", _text(k), _text(k + 30), method=zipfile.ZIP_DEFLATED),
    "zip-streamed": _streamed_zip,
    "sqlite": _base,
    "ttf": lambda k: bytes(ImageFont.load_default(12).font_bytes),  # type: ignore[union-attr]
    "woff": _woff,
    "pdf-of-photos": _saved(lambda b, k: picture(k).save(b, "PDF", quality=85)),
    "jpeg2000": _saved(lambda b, k: picture(k).save(b, "JPEG2000", quality_layers=[20])),
    "avif": _saved(lambda b, k: picture(k).save(b, "AVIF", quality=80)),
    "tiff-lzw": _saved(lambda b, k: picture(k).save(b, "TIFF", compression="tiff_lzw")),
    "tiff-jpeg": _saved(lambda b, k: picture(k).save(b, "TIFF", compression="jpeg")),
    "ico": _saved(lambda b, k: picture(k).save(b, "ICO")),
    "pcx": _saved(lambda b, k: picture(k).save(b, "PCX")),
    "tga": _saved(lambda b, k: picture(k).save(b, "TGA", compression="tga_rle")),
    "ppm": _saved(lambda b, k: picture(k).save(b, "PPM")),
    "apng": _saved(lambda b, k: picture(k).save(b, "PNG", save_all=True, append_images=[picture(k + 1)])),
    "webp-animated": _saved(lambda b, k: picture(k).save(b, "WEBP", save_all=True, append_images=[picture(k + 1)])),
    "mkv-vp9": _video("matroska", "libvpx-vp9", deadline="realtime", **{"cpu-used": "8"}),
    "flv": _video("flv", "flv"),
    "m4a": _audio("mp4", "aac"),
    "alac": _audio("mp4", "alac"),
    "mka-opus": _audio("matroska", "libopus"),
    "mp2": _audio("mp2", "mp2"),
    "ac3": _audio("ac3", "ac3"),
    "wavpack": _audio("wv", "wavpack"),
    "gzip-of-png": lambda k: gzip.compress(_image("PNG")(k)),
    "gzip-members": _members,
    "tar-of-gz": lambda k: _tar_of("a.txt.gz", gzip.compress(_text(k))),
    "tar-bz2": lambda k: bz2.compress(_tar(k)),
    "tar-xz": lambda k: lzma.compress(_tar(k)),
    "tar-zst": lambda k: zstandard.ZstdCompressor(level=9).compress(_tar(k)),
    "lz4-frame": lambda k: pyarrow.compress(_text(k), "lz4", asbytes=True),
    "brotli": lambda k: pyarrow.compress(_text(k), "brotli", asbytes=True),
    "snappy-raw": lambda k: pyarrow.compress(_text(k), "snappy", asbytes=True),
    "deflate-raw": lambda k: zlib.compress(_text(k), wbits=-15),
    "zip-of-pngs": lambda k: _zip(_image("PNG")(k), _image("PNG")(k + 1)),
    "pdf-object-streams": lambda k: b"%PDF-1.5\n" + b"".join(
        b"%d 0 obj\n<</Type/ObjStm/N 90/First 700/Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream\nendobj\n"
        % (n, len(z), z)
        for n, z in ((n, zlib.compress(_text(k * 20 + n, 9000))) for n in range(1, 20))),
}  # fmt: skip
_made = cache(lambda name, kind: FILES[name](kind))


def _add(name: str) -> None:
    def session(rng: Random) -> Session:
        data = _made(name, rng.randrange(KINDS))[: rng.choice((12_000, SIZE))]
        asked = rng.choice((b"", b"GET-FILE 7\r\n", struct.pack("<HHI", 8, 2, 99)))
        return transfer(data, asked, by_client=rng.random() < 0.4)

    add_shape(f"second-{name}", "more files", False, session)


for _name in FILES:
    _add(_name)


def _blocks_of(name: str) -> None:
    def session(rng: Random) -> Session:
        data, talk = _made(name, rng.randrange(KINDS))[:SIZE], Session().client(b"OPEN f\n")
        for number, at in enumerate(range(0, len(data), 2000)):
            part = data[at : at + 2000]
            talk.server(struct.pack("<IHI", number, len(part), zlib.crc32(part)) + part)
        return talk

    add_shape(f"blocks-{name}", "more files", False, session)


for _name in ("parquet-snappy", "docx", "tar-zst", "avif", "m4a", "gzip-of-png"):
    _blocks_of(_name)


def _seismic(rng: Random) -> Session:
    """Differences of a trace in 7, 15 or 30 bits, as Steim codes them."""
    session, level = Session().client(b"TRACE\n"), 0.0
    for number in range(rng.randint(20, 90)):
        values = []
        for i in range(100):
            level = 0.97 * level + rng.gauss(0, 30) + 4 * math.sin(number + i / 20)
            values.append(round(level))
        steps = np.diff(np.array(values, dtype=np.int32)).astype(np.int8)
        session.server(struct.pack(">IIh", number, 100, values[0]) + steps.tobytes())
    return session


add_shape("trace-differences", "more files", False, _seismic)
