"""Benign shapes IV: media frames without a container; written blind, as III."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from random import Random

import av
import numpy as np

from .benign_files import _image, _sound, picture
from .sessions import Session, Transport, add_shape

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
        frame = av.VideoFrame.from_ndarray(view.clip(0, 255).astype(np.uint8), format="rgb24").reformat(
            format="yuv420p"
        )
        frame.pts = n
        made += map(bytes, coder.encode(frame))  # type: ignore[attr-defined]
    return tuple(made + [bytes(p) for p in coder.encode(None)])  # type: ignore[attr-defined]


def _u16(number: int, frame: bytes) -> bytes:
    return struct.pack(">H", len(frame)) + frame


def _u32_time(number: int, frame: bytes) -> bytes:
    return struct.pack(">IQ", len(frame), number * 40) + frame


def _rtp(number: int, frame: bytes) -> bytes:
    return struct.pack(">BBHII", 0x80, 96, number, 960 * number, 0x1DEA5) + frame


def _frames(
    name: str,
    frames: Callable[[int], tuple[bytes, ...]],
    wrap: Callable[[int, bytes], bytes],
    transport: Transport = "tcp",
) -> None:
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
_frames(
    "vp9-frames-u32",
    lambda kind: picture_frames("libvpx-vp9", kind, (("deadline", "realtime"), ("cpu-used", "8"))),
    _u32_time,
)
_frames("h264-rtp", lambda kind: picture_frames("libx264", kind, (("preset", "veryfast"),)), _rtp, "udp")
_frames(
    "hevc-frames-u32",
    lambda kind: picture_frames("libx265", kind, (("preset", "ultrafast"), ("x265-params", "log-level=none"))),
    _u32_time,
)
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
