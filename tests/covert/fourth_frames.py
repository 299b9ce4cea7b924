"""Benign shapes XII: frames of sound and video, tiles of pictures; blind."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

from .fourth_files import still
from .sessions import Session, Transport, add_shape
from .third_codecs import sound, video

# --- sound, video, pictures ---


def _frames(
    name: str,
    frames: Callable[[int], tuple[bytes, ...]],
    wrap: Callable[[int, bytes], bytes],
    transport: Transport = "tcp",
    *,
    up: bool = False,
) -> None:
    def session(rng: Random) -> Session:
        talk, n = Session(transport).client(rng.choice((b"", b"join 5\n"))), 0
        say = talk.client if up else talk.server
        for frame in frames(rng.randrange(3)):
            for at in range(0, len(frame), 1100) if transport == "udp" else (0,):
                say(wrap(n, frame[at : at + 1100] if transport == "udp" else frame))
                n += 1
            if talk.size > 50_000:
                break
        return talk

    add_shape(f"fourth-{name}", "fourth frames", False, session)


def _rtp(kind: int, step: int) -> Callable[[int, bytes], bytes]:
    return lambda n, f: struct.pack(">BBHII", 0x80, kind, (n + 700) & 0xFFFF, 5000 + n * step, 0x5EED) + f


def _opus(bits: int, *, music: bool = False, duration: str = "20") -> Callable[[int], tuple[bytes, ...]]:
    settings = (("b", str(bits)), ("frame_duration", duration), ("application", "audio" if music else "voip"))
    return lambda kind: sound("libopus", kind, 48_000, settings, music)


LENGTH: Callable[[int, bytes], bytes] = lambda n, f: struct.pack(">H", len(f)) + f  # noqa: E731
TIMED: Callable[[int, bytes], bytes] = lambda n, f: struct.pack("<QIB", n * 20_000, len(f), n == 0) + f  # noqa: E731
WEB: Callable[[int, bytes], bytes] = lambda n, f: (  # noqa: E731
    b"\x82" + (bytes([len(f)]) if len(f) < 126 else b"\x7e" + struct.pack(">H", len(f))) + f
)
SHORT: Callable[[int, bytes], bytes] = lambda n, f: struct.pack(">HB", n & 0xFFFF, 9) + f  # noqa: E731
_frames("opus-rtp", _opus(28_000), _rtp(111, 960), "udp")
_frames("opus-music-rtp", _opus(96_000, music=True), _rtp(111, 960), "udp", up=True)
_frames("opus-websocket", _opus(32_000), WEB)
_frames("opus-40ms-short", _opus(24_000, duration="40"), SHORT, "udp")
_frames("g722-rtp", lambda k: sound("g722", k, 16_000), _rtp(9, 160), "udp")
_frames("ulaw-rtp", lambda k: sound("pcm_mulaw", k, 8000), _rtp(0, 160), "udp")
_frames("ima-adpcm-length", lambda k: sound("adpcm_ima_wav", k, 22_050, (), True), LENGTH)
_frames("aac-timed", lambda k: sound("aac", k, 48_000, (("b", "128000"),), True), TIMED)
_frames("vorbis-websocket", lambda k: sound("vorbis", k, 48_000, (), True), WEB)
_frames("mp3-short-udp", lambda k: sound("libmp3lame", k, 44_100, (("b", "96000"),)), SHORT, "udp")
_frames("h264-timed", lambda k: video("libx264", k, 600_000, (("preset", "veryfast"),)), TIMED)
_frames("h264-rtp-parts", lambda k: video("libx264", k, 500_000, (("tune", "zerolatency"),)), _rtp(96, 3600), "udp")
_frames("vp9-websocket", lambda k: video("libvpx-vp9", k, 500_000, (("deadline", "realtime"),)), WEB)
_frames("vp8-timed", lambda k: video("libvpx", k, 500_000, (("deadline", "realtime"),)), TIMED)
_frames("mpeg4-length-4", lambda k: video("mpeg4", k, 800_000), lambda n, f: struct.pack("<I", len(f)) + f)
_frames("mjpeg-timed", lambda k: video("mjpeg", k, 2_000_000), TIMED)


def _tiles(form: str) -> Callable[[int], tuple[bytes, ...]]:
    return lambda kind: tuple(still(form, quality=70)(kind * 10 + n)[:20_000] for n in range(3))


_frames("tiles-webp", _tiles("WEBP"), TIMED)
_frames("tiles-avif", _tiles("AVIF"), LENGTH)
