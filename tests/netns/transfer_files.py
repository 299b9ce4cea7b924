"""Files of many formats and shapes to send: made here, each from a seed, none the same twice.

Pictures come from Pillow, sound and video from PyAV, Zstandard from zstandard: development dependencies all. A
`Shape` is a way in which files of one format differ where a firewall that reads heads could stumble.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import numpy as np
import zstandard
from PIL import Image


def text(seed: int, size: int = 300_000) -> bytes:
    """Words and numbers: what compressors like, no two seeds alike."""
    random_ = random.Random(seed)
    words = [bytes(random_.choices(b"abcdefghijklmnopqrstuvwxyz", k=random_.randint(2, 11))) for _ in range(900)]
    words += [b"%d" % random_.randrange(10**6) for _ in range(300)]
    return b" ".join(random_.choices(words, k=size // 7)) + random_.randbytes(size // 15)


def picture(seed: int, width: int, height: int) -> Image.Image:
    """Waves of several lengths and some grain, as photographs have."""
    random_ = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    layers = []
    for _ in range(3):
        a, b, c, d = random_.uniform(0.005, 0.3, 4)
        layers.append(90 * np.sin(a * x + b * y) + 60 * np.sin(c * x - d * y + 0.0004 * x * y) + 128)
    pixels = np.stack(layers, axis=-1) + random_.normal(0, 9, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def zipped(seed: int, method: int = zipfile.ZIP_DEFLATED, *, wide: bool = False, streamed: bool = False) -> bytes:
    """`wide`: zip64 fields; `streamed`: written to a pipe, so sizes stand behind the data."""
    out = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object, /) -> int:
            return out.write(data)  # type: ignore[call-overload,no-any-return]

    target: io.IOBase = Pipe() if streamed else out
    with zipfile.ZipFile(target, "w", method) as archive:  # type: ignore[call-overload]
        for number in range(4):
            stored = method == zipfile.ZIP_STORED
            data = jpeg(seed + number) if stored else text(seed + number, 90_000)
            with archive.open(f"folder/file{number}.{'jpg' if stored else 'txt'}", "w", force_zip64=wide) as entry:
                entry.write(data)
    return out.getvalue()


def tarred(seed: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for number in range(5):
            data = text(seed + number, 60_000)
            member = tarfile.TarInfo(f"project/part-{number}.txt")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def jpeg(seed: int, **options: object) -> bytes:
    return encoded(picture(seed, 700, 500), "JPEG", quality=60 + seed % 36, **options)


def with_thumbnail(seed: int) -> bytes:
    """A JPEG whose Exif segment holds another JPEG."""
    thumbnail = encoded(picture(seed + 1, 160, 120), "JPEG", quality=70)
    entries = ((0x0103, 3, 1, 6), (0x0201, 4, 1, 56), (0x0202, 4, 1, len(thumbnail)))
    directory = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    tiff = b"II*\0" + struct.pack("<I", 8) + bytes(2) + bytes(4)
    tiff = (tiff[:4] + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 14) + directory).ljust(56, b"\0")
    return jpeg(seed, exif=b"Exif\0\0" + tiff + thumbnail)


def sound(seed: int, form: str, codec: str, seconds: int = 14) -> bytes:
    """Chords with a little noise, 44.1 kHz stereo."""
    random_ = np.random.default_rng(seed)
    time = np.arange(44_100 * seconds, dtype=np.float32) / 44_100
    wave = sum(np.sin(2 * np.pi * f * time * (1 + 0.01 * np.sin(time))) for f in random_.uniform(80, 4000, 6))
    wave = 3000 * wave + random_.normal(0, 700, len(time))
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2).astype(np.int16)[None], format="s16", layout="stereo")
    frame.sample_rate = 44_100
    out = io.BytesIO()
    with av.open(out, "w", format=form, options={"id3v2_version": "0"} if form == "mp3" else {}) as container:
        stream = container.add_stream(codec, rate=44_100)
        stream.bit_rate = (96_000, 128_000, 192_000)[seed % 3]
        resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=44_100)
        for part in [*resampler.resample(frame), None]:
            container.mux(stream.encode(part))
    return out.getvalue()


def with_cover(seed: int, size: int) -> bytes:
    """An MP3 behind an ID3v2.3 tag that holds a picture of `size` pixels a side."""
    cover = encoded(picture(seed, size, size), "JPEG", quality=85)
    body = b"\0image/jpeg\0\3\0" + cover
    title = b"\0Song %d" % seed
    frames = b"APIC" + struct.pack(">IH", len(body), 0) + body
    frames = frames + b"TIT2" + struct.pack(">IH", len(title), 0) + title + bytes(400)
    length = bytes(len(frames) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + length + frames + sound(seed, "mp3", "libmp3lame", 6)


def film(seed: int, **options: str) -> bytes:
    """H.264 and AAC in MP4; `moov` stands at the end unless `movflags` say otherwise."""
    large = picture(seed, 900, 700)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file, av.open(file.name, "w", options=options) as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = 480, 272, "yuv420p"
        for number in range(50):
            left, top = 4 * number, 3 * number
            container.mux(video.encode(av.VideoFrame.from_image(large.crop((left, top, left + 480, top + 272)))))
        container.mux(video.encode(None))
        container.close()
        return Path(file.name).read_bytes()


def zstd(seed: int, level: int = 3, *, skippable: bool = False, **options: object) -> bytes:
    packed = zstandard.ZstdCompressor(level, **options).compress(text(seed))  # type: ignore[arg-type]
    note = random.Random(seed).randbytes(50)
    return (b"\x52\x2a\x4d\x18" + struct.pack("<I", len(note)) + note if skippable else b"") + packed


SHAPES: dict[str, Callable[[int], bytes]] = {
    "zip": zipped,
    "zip stored": lambda seed: zipped(seed, zipfile.ZIP_STORED),
    "zip64": lambda seed: zipped(seed, wide=True),
    "zip64 stored": lambda seed: zipped(seed, zipfile.ZIP_STORED, wide=True),
    "zip to a pipe": lambda seed: zipped(seed, streamed=True),
    "gzip": lambda seed: gzip.compress(text(seed)),
    "gzip members": lambda seed: b"".join(gzip.compress(text(seed + n, 700 * (n + 1))) for n in range(60)),
    "tar.gz": tarred,
    "bzip2": lambda seed: bz2.compress(text(seed)),
    "xz": lambda seed: lzma.compress(text(seed)),
    "zstd": zstd,
    "zstd checksum": lambda seed: zstd(seed, 19, write_checksum=True),
    "zstd sizeless": lambda seed: zstd(seed, 1, write_content_size=False),
    "zstd skippable": lambda seed: zstd(seed, skippable=True),
    "jpeg": jpeg,
    "jpeg progressive": lambda seed: jpeg(seed, progressive=True, optimize=True),
    "jpeg thumbnail": with_thumbnail,
    "png": lambda seed: encoded(picture(seed, 40 + 37 * (seed % 12), 300), "PNG"),
    "png small": lambda seed: encoded(picture(seed, 8 + seed % 60, 8 + seed % 47), "PNG"),
    "png palette": lambda seed: encoded(picture(seed, 500, 300).quantize(64), "PNG"),
    "mp3": lambda seed: sound(seed, "mp3", "libmp3lame"),
    "mp3 cover": lambda seed: with_cover(seed, 150),
    "mp3 large cover": lambda seed: with_cover(seed, 900),
    "mp4": film,
    "mp4 moov first": lambda seed: film(seed, movflags="faststart"),
    "mp4 fragments": lambda seed: film(seed, movflags="frag_keyframe+empty_moov"),
    "m4a": lambda seed: sound(seed, "mp4", "aac"),
}


@cache
def file_of(shape: str, seed: int) -> bytes:
    """One file of a shape in SHAPES."""
    return SHAPES[shape](seed)
