"""Benign shapes II: files sent raw, whole, in pieces with headers, or from the middle; media and containers."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import math
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import av
import numpy as np
import zstandard
from PIL import Image, ImageDraw, ImageFilter

from .encoders import jsons
from .mimicry_shapes import program, source_text
from .sessions import Session, Transport, add_shape, transfer

SIZE = 60_000
_KINDS = 4
"""Different files of each format; which one a flow sends depends on its seed."""


@cache
def picture(kind: int, side: int = 320) -> Image.Image:
    """Return a scene of soft shapes with the grain of a camera."""
    rng = np.random.default_rng(kind)
    image = Image.new("RGB", (side, side), tuple(int(v) for v in rng.integers(0, 255, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, w, h = (int(v) for v in rng.integers(0, side, 4))
        draw.ellipse((x, y, x + w // 2, y + h // 2), fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(3)), dtype=np.float32)
    return Image.fromarray(np.clip(soft + rng.normal(0, 6, soft.shape), 0, 255).astype(np.uint8))


def _image(form: str, **options: object) -> Callable[[int], bytes]:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        picture(kind).save(buffer, form, **options)
        return buffer.getvalue()

    return make


def _grain(kind: int) -> bytes:
    noise = np.random.default_rng(kind).normal(128, 30, (220, 220)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def _sound(kind: int, seconds: float = 6.0, rate: int = 48_000) -> np.ndarray:
    rng = np.random.default_rng(kind)
    time = np.arange(int(seconds * rate)) / rate
    wave = sum(np.sin(2 * math.pi * f * time + np.sin(2 * math.pi * f / 90 * time)) for f in rng.uniform(90, 3000, 6))
    wave = wave / 8 * (0.6 + 0.4 * np.sin(2 * math.pi * time * rng.uniform(1, 4))) + rng.normal(0, 0.02, len(time))
    return (np.clip(wave, -1, 1) * 25_000).astype(np.int16)


def _audio(form: str, codec: str) -> Callable[[int], bytes]:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=form) as container:
            stream = container.add_stream(codec, rate=48_000)
            stream.layout = "mono"
            frame = av.AudioFrame.from_ndarray(_sound(kind)[None, :], format="s16", layout="mono")
            frame.sample_rate = 48_000
            resampler = av.AudioResampler(
                format=stream.format, layout="mono", rate=48_000, frame_size=stream.frame_size or 1024
            )
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        return buffer.getvalue()

    return make


def _video(form: str, codec: str, **options: str) -> Callable[[int], bytes]:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        scene = np.asarray(picture(kind, 320))
        rng = np.random.default_rng(kind)
        with av.open(buffer, "w", format=form) as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = 240, 176, "yuv420p"
            stream.bit_rate = 900_000
            for n in range(40):
                view = scene[n : n + 176, n // 2 : n // 2 + 240].astype(np.int16) + rng.normal(0, 4, (176, 240, 3))
                frame = av.VideoFrame.from_ndarray(view.clip(0, 255).astype(np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return buffer.getvalue()

    return make


def _plain(kind: int, size: int = 150_000) -> bytes:
    return source_text(Random(kind), size)


def _binary(kind: int, size: int = 150_000) -> bytes:
    data = program()
    start = (kind * 350_001) % max(len(data) - size, 1)
    return data[start : start + size]


def _either(kind: int) -> bytes:
    return _plain(kind) if kind % 2 else _binary(kind)


def _zip(*files: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number, data in enumerate(files):
            archive.writestr(f"part{number}.bin", data)
    return buffer.getvalue()


def _tar(kind: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, path in enumerate(sorted(Path(tarfile.__file__).parent.glob("*.py"))[kind * 9 : kind * 9 + 6]):
            archive.add(path, f"src/{number}/{path.name}")
    return buffer.getvalue()


def _deb(kind: int) -> bytes:
    out = b"!<arch>\n"
    for name, data in (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", lzma.compress(_tar(kind)[:4096])),
        ("data.tar.xz", lzma.compress(_either(kind))),
    ):
        out += (
            f"{name:<16}{1760000000:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
            + data
            + b"\n" * (len(data) % 2)
        )
    return out


def _pdf(kind: int) -> bytes:
    out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    for number in range(1, 9):
        body = zlib.compress(_plain(kind * 10 + number, 20_000))
        out += (
            b"%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n" % (number, len(body))
            + body
            + b"\nendstream\nendobj\n"
        )
    return out


FILES: dict[str, Callable[[int], bytes]] = {
    "jpeg": _image("JPEG", quality=88),
    "jpeg-progressive": _image("JPEG", quality=75, progressive=True),
    "png": _image("PNG"),
    "png-of-grain": _grain,
    "webp": _image("WEBP", quality=80),
    "webp-lossless": _image("WEBP", lossless=True),
    "gif": lambda kind: (lambda b: (picture(kind).convert("P").save(b, "GIF"), b.getvalue())[1])(io.BytesIO()),
    "bmp": _image("BMP"),
    "tiff-deflate": _image("TIFF", compression="tiff_deflate"),
    "mp3": _audio("mp3", "libmp3lame"),
    "aac-adts": _audio("adts", "aac"),
    "ogg-opus": _audio("ogg", "libopus"),
    "flac": _audio("flac", "flac"),
    "wav": _audio("wav", "pcm_s16le"),
    "tta": _audio("tta", "tta"),
    "mp4-h264": _video("mp4", "libx264", preset="veryfast"),
    "h264-raw": _video("h264", "libx264", preset="veryfast"),
    "hevc-raw": _video("hevc", "libx265", preset="ultrafast", **{"x265-params": "log-level=none"}),
    "mpeg-ts": _video("mpegts", "libx264", preset="veryfast"),
    "webm-vp8": _video("webm", "libvpx", deadline="realtime"),
    "avi-mpeg4": _video("avi", "mpeg4"),
    "gzip": lambda kind: gzip.compress(_either(kind)),
    "bz2": lambda kind: bz2.compress(_either(kind)),
    "xz": lambda kind: lzma.compress(_either(kind)),
    "lzma-alone": lambda kind: lzma.compress(_either(kind), format=lzma.FORMAT_ALONE),
    "zlib": lambda kind: zlib.compress(_either(kind), 9),
    "zstd": lambda kind: zstandard.ZstdCompressor(level=3 + kind * 5).compress(_either(kind)),
    "zip": lambda kind: _zip(_plain(kind), _binary(kind)),
    "zip-of-zips": lambda kind: _zip(_zip(_plain(kind)), _zip(_binary(kind)), method=zipfile.ZIP_STORED),
    "gzip-of-jpeg": lambda kind: gzip.compress(_image("JPEG", quality=95)(kind)),
    "zip-of-jpegs": lambda kind: _zip(_image("JPEG", quality=90)(kind), _image("JPEG", quality=70)(kind)),
    "gzip-of-xz": lambda kind: gzip.compress(lzma.compress(_either(kind))),
    "tar": _tar,
    "tar-gz": lambda kind: gzip.compress(_tar(kind)),
    "tar-of-jpegs": lambda kind: (
        (
            b"p.jpg".ljust(100, b"\0")
            + b"0000644\0"
            + b"0000000\0" * 2
            + b"00000300000\0"
            + b"00000000000\0"
            + b"        0"
        ).ljust(257, b"\0")
        + b"ustar\00000".ljust(255, b"\0")
        + _image("JPEG", quality=92)(kind)
    ),
    "deb": _deb,
    "pdf": _pdf,
    "elf": lambda kind: program()[: SIZE + 4096 * kind],
    "elf-middle": lambda kind: _binary(kind + 1),
    "pyc-like": lambda kind: b"\xa7\r\r\n" + bytes(12) + _binary(kind),
}
_made = cache(lambda name, kind: FILES[name](kind))


def file_of(name: str, kind: int) -> bytes:
    """Return one of the files of a format, made once."""
    return _made(name, kind % _KINDS)


def _whole(name: str) -> None:
    def session(rng: Random) -> Session:
        data = file_of(name, rng.randrange(_KINDS))[: rng.choice((8000, 30_000, SIZE))]
        asked = rng.choice((b"", b"GIVE ME THE FILE\n", struct.pack(">II", 1, 42)))
        return transfer(data, asked, by_client=rng.random() < 0.5)

    add_shape(f"file-{name}", "files", False, session)


def _headed(name: str, header: Callable[[Random, bytes], bytes]) -> None:
    def session(rng: Random) -> Session:
        data = file_of(name, rng.randrange(_KINDS))[:SIZE]
        return transfer(header(rng, data) + data, by_client=rng.random() < 0.5)

    add_shape(f"headed-{name}", "headed files", False, session)


def _chunked(name: str, size: int, header: Callable[[int, bytes], bytes], transport: Transport = "tcp") -> None:
    """A file in pieces, each behind a header."""

    def session(rng: Random) -> Session:
        data, talk = file_of(name, rng.randrange(_KINDS))[:SIZE], Session(transport)
        for number, at in enumerate(range(0, len(data), size)):
            talk.server(header(number, data[at : at + size]) + data[at : at + size])
        return talk

    add_shape(f"chunked-{name}-{transport}", "chunked files", False, session)


def _middle(name: str) -> None:
    def session(rng: Random) -> Session:
        data = file_of(name, rng.randrange(_KINDS))
        start = rng.randint(len(data) // 8, len(data) // 3)
        session = transfer(data[start : start + SIZE], by_client=rng.random() < 0.5)
        session.midstream = True
        return session

    add_shape(f"middle-{name}", "middles", False, session)


for _name in FILES:
    _whole(_name)
for _name in ("jpeg", "zstd", "zip", "gzip", "xz", "mp3"):
    _headed(_name, lambda rng, data: b"FILE" + struct.pack("<IQ", 1, len(data)) + rng.randbytes(8) + bytes(24))
for _name in ("jpeg", "gzip", "zip", "mp4-h264"):
    _chunked(_name, 4096, lambda number, data: struct.pack(">II", number, len(data)))
for _name in ("h264-raw", "mp3", "ogg-opus"):
    _chunked(_name, 1100, lambda number, data: struct.pack(">BBHII", 0x80, 97, number, 3000 * number, 0xB7), "udp")
for _name in ("jpeg", "gzip", "bz2", "zlib", "mp3", "png", "h264-raw", "zip"):
    _middle(_name)


def _frames_of_video(rng: Random) -> Session:
    session, quality = Session().client(b"STREAM cam1\n"), rng.randint(50, 90)
    for number in range(rng.randint(3, 8)):
        data = _image("JPEG", quality=quality)(number % _KINDS)[:30_000]
        session.server(struct.pack("<II", number, len(data)) + data)
    return session


def _screen_tiles(rng: Random) -> Session:
    session = Session().client(b"\3\0\0\0\0\0\4\0\3\0")
    scene = picture(rng.randrange(_KINDS))
    for number in range(rng.randint(4, 20)):
        x, y = rng.randrange(256), rng.randrange(256)
        tile = zlib.compress(scene.crop((x, y, x + 64, y + 64)).tobytes())
        session.server(struct.pack(">HHHHHI", number, x, y, 64, 64, len(tile)) + tile)
    return session


def _mail_attachment(rng: Random) -> Session:
    data = base64.encodebytes(file_of("jpeg", rng.randrange(_KINDS))[:40_000])
    return Session().client(b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n").client(data)


def _text_up_compressed_down(rng: Random) -> Session:
    session = Session()
    for number in range(rng.randint(3, 15)):
        session.client(f"get block {number}\n".encode()).server(gzip.compress(jsons(rng, number)))
    return session


add_shape("mjpeg-frames", "chunked files", False, _frames_of_video)
add_shape("screen-tiles", "chunked files", False, _screen_tiles)
add_shape("base64-of-jpeg", "text", False, _mail_attachment)
add_shape("text-up-gzip-down", "compressed records", False, _text_up_compressed_down)
