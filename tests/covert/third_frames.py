"""Benign shapes V: frames of sound and video in messages of programs of their own; written blind, as III and IV."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from random import Random

from .encoders import msgpack, varint
from .sessions import Session, Transport, add_shape
from .third_codecs import KINDS, sound, video

SIZE = 60_000

# --- framings: (index, time in milliseconds, frame) -> the bytes on the wire ---

Wrap = Callable[[int, int, bytes], bytes]
U32LE: Wrap = lambda n, t, f: struct.pack("<I", len(f)) + f  # noqa: E731
U16_TYPE: Wrap = lambda n, t, f: struct.pack(">BH", 2, len(f)) + f  # noqa: E731
VARINT: Wrap = lambda n, t, f: varint(len(f)) + f  # noqa: E731
MAGIC: Wrap = lambda n, t, f: struct.pack("<4sIIQ", b"FRME", n, len(f), t * 1000) + f  # noqa: E731
TIME_FLAGS: Wrap = lambda n, t, f: struct.pack(">QI", (t * 1000) | ((n == 0) << 62), len(f)) + f  # noqa: E731
LINE: Wrap = lambda n, t, f: json.dumps({"seq": n, "pts": t, "size": len(f)}).encode() + b"\n" + f  # noqa: E731
PROTO: Wrap = lambda n, t, f: (  # noqa: E731
    varint(len(f) + 8) + b"\x08" + varint(n) + b"\x10" + varint(t) + b"\x1a" + varint(len(f)) + f
)
PACKED: Wrap = lambda n, t, f: msgpack({"n": n, "ts": t}) + b"\xc5" + struct.pack(">H", len(f) & 0xFFFF) + f  # noqa: E731
CHANNEL: Wrap = lambda n, t, f: b"$\0" + struct.pack(">HBBHII", len(f) + 12, 0x80, 97, n, t * 90, 0xFEED) + f  # noqa: E731
SEQUENCE: Wrap = lambda n, t, f: struct.pack(">HIB", n, t, 1) + f  # noqa: E731
STREAM_ID: Wrap = lambda n, t, f: struct.pack("<IHBx", 0xC0FFEE, n, n % 2) + f  # noqa: E731
EXTENDED: Wrap = lambda n, t, f: struct.pack(">BBHIIHHI", 0x90, 111, n, t * 48, 77, 0xBEDE, 1, 0x10FF0000 | n) + f  # noqa: E731
BARE: Wrap = lambda n, t, f: f  # noqa: E731
PART: Wrap = lambda n, t, f: b"--b\r\nContent-Length: %d\r\n\r\n" % len(f) + f + b"\r\n"  # noqa: E731


def _add(
    name: str,
    frames: Callable[[int], tuple[bytes, ...]],
    wrap: Wrap,
    transport: Transport = "tcp",
    asked: bytes = b"",
    *,
    up: bool = False,
    step: int = 20,
) -> None:
    """Frames in messages; those that no datagram holds are cut, behind frame and part numbers."""

    def session(rng: Random) -> Session:
        talk, sent = Session(transport).client(asked), 0
        say = talk.client if up else talk.server
        for frame in frames(rng.randrange(KINDS)):
            parts = range(0, len(frame), 1150) if transport == "udp" else (0,)
            for at in parts:
                say(wrap(sent, sent * step, frame[at : at + 1150] if transport == "udp" else frame))
                sent += 1
            if talk.size > SIZE:
                break
        return talk

    add_shape(name, "third frames", False, session)


def _opus(
    bits: int, duration: str = "20", use: str = "voip", *, music: bool = False, **more: str
) -> Callable[[int], tuple[bytes, ...]]:
    settings = (("b", str(bits)), ("frame_duration", duration), ("application", use), *more.items())
    return lambda kind: sound("libopus", kind, 48_000, settings, music)


_add("third-opus-12k-proto", _opus(12_000), PROTO, asked=b"\x08\x01\x12\x04join")
_add("third-opus-24k-bare-udp", _opus(24_000), BARE, "udp", asked=b"hello")
_add("third-opus-32k-sequence-udp", _opus(32_000), SEQUENCE, "udp", up=True)
_add("third-opus-64k-u32le", _opus(64_000, use="audio", music=True), U32LE, asked=b"GET radio\n")
_add("third-opus-96k-line", _opus(96_000, use="audio", music=True), LINE, asked=b"{}\n")
_add("third-opus-60ms-u16", _opus(20_000, "60"), U16_TYPE, up=True)
_add("third-opus-10ms-lowdelay-udp", _opus(48_000, "10", "lowdelay"), STREAM_ID, "udp", asked=b"\0\0\0\1")
_add("third-opus-cbr-varint", _opus(32_000, vbr="off"), VARINT)
_add("third-opus-extended-rtp", _opus(40_000), EXTENDED, "udp", up=True)
_add("third-aac-time-flags", lambda kind: sound("aac", kind, 44_100, (("b", "96000"),), True), TIME_FLAGS)
_add("third-aac-32k-bare-udp", lambda kind: sound("aac", kind, 44_100, (("b", "48000"),)), BARE, "udp", asked=b"sub")
_add("third-amr-bare-udp", lambda kind: sound("libopencore_amrnb", kind, 8000, (("b", "12200"),)), BARE, "udp")
_add("third-amr-u16", lambda kind: sound("libopencore_amrnb", kind, 8000, (("b", "7950"),)), U16_TYPE, up=True)
_add("third-g723-sequence-udp", lambda kind: sound("g723_1", kind, 8000, (("b", "6300"),)), SEQUENCE, "udp")
_add("third-g726-proto", lambda kind: sound("g726", kind, 8000, (("b", "32000"),)), PROTO)
_add("third-sbc-u16", lambda kind: sound("sbc", kind, 44_100, (("b", "229000"),), True), U16_TYPE)
_add("third-aptx-magic", lambda kind: sound("aptx", kind, 44_100, (), True), MAGIC)
_add("third-vorbis-u32le", lambda kind: sound("vorbis", kind, 44_100, (), True), U32LE)
_add("third-flac-frames-magic", lambda kind: sound("flac", kind, 44_100, (), True), MAGIC)
_add("third-alac-time-flags", lambda kind: sound("alac", kind, 44_100, (), True), TIME_FLAGS)
_add("third-eac3-line", lambda kind: sound("eac3", kind, 48_000, (("b", "96000"),), True), LINE)
_add("third-wma-u16", lambda kind: sound("wmav2", kind, 44_100, (("b", "64000"),), True), U16_TYPE)
_add("third-mp3-proto", lambda kind: sound("libmp3lame", kind, 44_100, (("b", "128000"),), True), PROTO)

FAST = (("preset", "veryfast"), ("tune", "zerolatency"))
_add("third-h264-zerolatency-magic", lambda kind: video("libx264", kind, 500_000, FAST), MAGIC, step=40)
_add(
    "third-h264-baseline-udp",
    lambda kind: video("libx264", kind, 300_000, (*FAST, ("profile", "baseline")), "small"),
    SEQUENCE,
    "udp",
)
_add("third-h264-high-proto", lambda kind: video("libx264", kind, 900_000, (("preset", "medium"),)), PROTO, step=40)
_add(
    "third-h264-refresh-line",
    lambda kind: video("libx264", kind, 600_000, (*FAST, ("intra-refresh", "1"))),
    LINE,
    step=40,
)
_add(
    "third-h264-screen-u32le",
    lambda kind: video("libx264", kind, 400_000, FAST, "screen"),
    U32LE,
    asked=b"\1\0\0\0",
    step=40,
)
_add(
    "third-hevc-udp-sequence",
    lambda kind: video(
        "libx265", kind, 400_000, (("preset", "ultrafast"), ("tune", "zerolatency"), ("x265-params", "log-level=none"))
    ),
    SEQUENCE,
    "udp",
    step=40,
)
_add(
    "third-hevc-channel",
    lambda kind: video("libx265", kind, 700_000, (("preset", "fast"), ("x265-params", "log-level=none"))),
    CHANNEL,
    step=40,
)
_add(
    "third-vp8-varint",
    lambda kind: video("libvpx", kind, 400_000, (("deadline", "realtime"), ("cpu-used", "9"))),
    VARINT,
    step=40,
)
_add(
    "third-vp8-screen-stream-udp",
    lambda kind: video("libvpx", kind, 300_000, (("deadline", "realtime"), ("cpu-used", "9")), "screen"),
    STREAM_ID,
    "udp",
    step=40,
)
_add(
    "third-vp9-part",
    lambda kind: video("libvpx-vp9", kind, 500_000, (("deadline", "realtime"), ("cpu-used", "7"))),
    PART,
    step=40,
)
_add(
    "third-vp9-extended-rtp",
    lambda kind: video("libvpx-vp9", kind, 250_000, (("deadline", "realtime"), ("cpu-used", "8")), "small"),
    EXTENDED,
    "udp",
    step=40,
)
_add("third-av1-magic", lambda kind: video("libsvtav1", kind, 500_000, (("preset", "10"),)), MAGIC, step=40)
_add("third-av1-u32le-up", lambda kind: video("libsvtav1", kind, 300_000, (("preset", "12"),)), U32LE, up=True, step=40)
_add("third-mpeg4-part", lambda kind: video("mpeg4", kind, 500_000), PART, step=40)
_add("third-mjpeg-time-flags", lambda kind: video("mjpeg", kind, 900_000), TIME_FLAGS, up=True, step=40)
_add("third-mjpeg-channel", lambda kind: video("mjpeg", kind, 500_000), CHANNEL, step=40)
_add("third-h263-stream-udp", lambda kind: video("h263", kind, 200_000, (), "small"), STREAM_ID, "udp", step=40)
_add("third-mpeg1-packed", lambda kind: video("mpeg1video", kind, 500_000), PACKED, step=40)
_add("third-ffv1-magic", lambda kind: video("ffv1", kind, 0, (), "small"), MAGIC, step=40)
_add("third-wmv-u32le", lambda kind: video("wmv2", kind, 400_000), U32LE, step=40)
_add("third-snow-magic", lambda kind: video("snow", kind, 400_000, (("strict", "-2"),)), MAGIC, step=40)
_add("third-jpeg2000-u32le", lambda kind: video("jpeg2000", kind, 400_000), U32LE, step=40)
_add("third-flashsv-screen-line", lambda kind: video("flashsv", kind, 0, (), "screen"), LINE, step=40)


def _call(rng: Random) -> Session:
    """Sound and video of a call in one connection, each in messages with a stream number, both ways."""
    talk = Session().client(b"CALL bob\n").server(b"OK\n")
    kind = rng.randrange(KINDS)
    heard = sound("libopus", kind, 48_000, (("b", "32000"), ("frame_duration", "20"), ("application", "voip")))
    seen = video("libvpx", kind, 400_000, (("deadline", "realtime"), ("cpu-used", "9")))
    for n, frame in enumerate(seen):
        for m in (2 * n, 2 * n + 1):
            talk.client(struct.pack(">BHI", 1, len(heard[m]), m * 20) + heard[m])
            talk.server(struct.pack(">BHI", 1, len(heard[-1 - m]), m * 20) + heard[-1 - m])
        talk.server(struct.pack(">BHI", 2, len(frame), n * 40) + frame)
        if talk.size > SIZE:
            break
    return talk


add_shape("third-call-of-sound-and-video", "third frames", False, _call)
