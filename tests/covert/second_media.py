"""Benign shapes IV: media frames without a container, and files of formats that the first modules lack; written blind."""

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
from fractions import Fraction
from functools import cache
from random import Random

import av
import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import scipy.io
import zstandard
from PIL import Image, ImageFont

from .benign_files import _audio, _image, _sound, _tar, _video, _zip, picture
from .encoders import record
from .mimicry_shapes import source_text
from .sessions import Session, Transport, add_shape, transfer

KINDS, SIZE = 4, 60_000

# --- frames, as encoders give them ---


@cache
def sound_frames(codec: str, kind: int, rate: int = 48_000) -> tuple[bytes, ...]:
    """Return the frames of a sound, no container."""
    coder = av.CodecContext.create(codec, "w")
    coder.sample_rate, coder.layout = rate, "mono"  # type: ignore[attr-defined]
    coder.format = (coder.codec.audio_formats or (av.AudioFormat("s16"),))[0]  # type: ignore[attr-defined]
    coder.open()
    frame = av.AudioFrame.from_ndarray(_sound(kind, 8.0)[None, :], format="s16", layout="mono")
    frame.sample_rate = 48_000
    made: list[bytes] = []
    size = coder.frame_size or 320  # type: ignore[attr-defined]
    for part in av.AudioResampler(format=coder.format, layout="mono", rate=rate, frame_size=size).resample(frame):  # type: ignore[attr-defined]
        made += map(bytes, coder.encode(part))  # type: ignore[attr-defined]
    return tuple(made)


@cache
def picture_frames(codec: str, kind: int, options: tuple[tuple[str, str], ...] = ()) -> tuple[bytes, ...]:
    """Return the frames of a video, no container."""
    coder = av.CodecContext.create(codec, "w")
    coder.width, coder.height, coder.pix_fmt = 240, 176, "yuv420p"  # type: ignore[attr-defined]
    coder.time_base, coder.bit_rate, coder.options = Fraction(1, 25), 900_000, dict(options)  # type: ignore[assignment]
    scene, rng = np.asarray(picture(kind, 320)), np.random.default_rng(kind)
    made: list[bytes] = []
    for n in range(40):
        view = scene[n : n + 176, n // 2 : n // 2 + 240].astype(np.int16) + rng.normal(0, 4, (176, 240, 3))
        frame = av.VideoFrame.from_ndarray(view.clip(0, 255).astype(np.uint8), format="rgb24").reformat(format="yuv420p")
        frame.pts = n
        made += map(bytes, coder.encode(frame))  # type: ignore[attr-defined]
    return tuple(made + [bytes(p) for p in coder.encode(None)])  # type: ignore[attr-defined]


def _u16(number: int, frame: bytes) -> bytes:
    return struct.pack(">H", len(frame)) + frame


def _u32_time(number: int, frame: bytes) -> bytes:
    return struct.pack(">IQ", len(frame), number * 40) + frame


def _rtp(number: int, frame: bytes) -> bytes:
    return struct.pack(">BBHII", 0x80, 96, number, 960 * number, 0x1DEA5) + frame


def _frames(name: str, frames: Callable[[int], tuple[bytes, ...]], wrap: Callable[[int, bytes], bytes], transport: Transport = "tcp") -> None:
    """Frames of sound or video in messages; those that no datagram holds are cut."""

    def session(rng: Random) -> Session:
        talk, sent = Session(transport).client(b"PLAY 1\n"), 0
        for frame in frames(rng.randrange(KINDS)):
            for at in range(0, len(frame), 1100) if transport == "udp" else (0,):
                talk.server(wrap(sent, frame[at : at + 1100] if transport == "udp" else frame))
                sent += 1
        return talk

    add_shape(name, "frames", False, session)


_frames("opus-frames-u16", lambda kind: sound_frames("libopus", kind), _u16)
_frames("opus-rtp", lambda kind: sound_frames("libopus", kind), _rtp, "udp")
_frames("aac-frames-u16", lambda kind: sound_frames("aac", kind), _u16)
_frames("mp3-frames-u32", lambda kind: sound_frames("libmp3lame", kind), _u32_time)
_frames("g722-rtp", lambda kind: sound_frames("g722", kind, 16_000), _rtp, "udp")
_frames("adpcm-u16", lambda kind: sound_frames("adpcm_ima_wav", kind), _u16)
_frames("alaw-rtp", lambda kind: sound_frames("pcm_alaw", kind, 8000), _rtp, "udp")
_frames("ac3-frames-u16", lambda kind: sound_frames("ac3", kind), _u16)
_frames("vp8-rtp", lambda kind: picture_frames("libvpx", kind, (("deadline", "realtime"),)), _rtp, "udp")
_frames("vp9-frames-u32", lambda kind: picture_frames("libvpx-vp9", kind, (("deadline", "realtime"), ("cpu-used", "8"))), _u32_time)
_frames("h264-rtp", lambda kind: picture_frames("libx264", kind, (("preset", "veryfast"),)), _rtp, "udp")
_frames("hevc-frames-u32", lambda kind: picture_frames("libx265", kind, (("preset", "ultrafast"), ("x265-params", "log-level=none"))), _u32_time)
_frames("mpeg2-frames-u32", lambda kind: picture_frames("mpeg2video", kind), _u32_time)
_frames("h263-rtp", lambda kind: picture_frames("mpeg4", kind), _rtp, "udp")


@cache
def _length_units(kind: int) -> tuple[bytes, ...]:
    """H.264 as MP4 and RTMP carry it: units behind lengths instead of start codes."""
    made = []
    for frame in picture_frames("libx264", kind, (("preset", "veryfast"),)):
        units = frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
        made.append(b"".join(struct.pack(">I", len(unit)) + unit for unit in units))
    return tuple(made)


def _scan_only(kind: int) -> tuple[bytes, ...]:
    """JPEG as RFC 2435 carries it: the scan without the tables."""
    made = []
    for quality in range(50, 90, 4):
        data = _image("JPEG", quality=quality)(kind)
        start = data.index(b"\xff\xda") + 14
        made.append(data[start : start + 12_000])
    return tuple(made)


def _raw_frames(kind: int) -> tuple[bytes, ...]:
    scene = picture(kind, 320).convert("YCbCr").resize((96, 72))
    return tuple(np.asarray(scene)[:, :, 0].tobytes() for _ in range(8))


_frames("h264-length-units", _length_units, lambda n, f: struct.pack(">BI", 9, len(f)) + f)
_frames("jpeg-scan-rtp", _scan_only, _rtp, "udp")
_frames("luma-raw-udp", _raw_frames, lambda n, f: struct.pack(">HH", n, len(f)) + f, "udp")

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
    return struct.pack(">4s4sIHHIHHIIIII", b"wOFF", font[:4], place, count, 0, len(font), 1, 0, 0, 0, 0, 0, 0) + tables + bodies


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
        b"%d 0 obj\n<</Type/ObjStm/N 90/First 700/Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream\nendobj\n" % (n, len(z), z)
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
