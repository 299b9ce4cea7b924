"""Covert shapes VII: ciphertext in the bodies of formats; written blind."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Callable
from random import Random

from .benign_files import file_of
from .mimicry_shapes import program
from .sessions import Session, add_shape, log_uniform, transfer

# --- containers ---


def _ts(data: bytes) -> bytes:
    return b"".join(
        b"\x47\x41\0" + bytes([0x10 | n & 15]) + data[at : at + 184].ljust(184, b"\xff")
        for n, at in enumerate(range(0, len(data), 184))
    )


def _adts(data: bytes) -> bytes:
    return b"".join(
        (0xFFF1_5080_0000_00 | (len(part := data[at : at + 300]) + 7) << 13 | 0x1FFC).to_bytes(7, "big") + part
        for at in range(0, len(data), 300)
    )


def _ogg(data: bytes) -> bytes:
    out = b""
    for n, at in enumerate(range(0, len(data), 4000)):
        body = data[at : at + 4000]
        laces = bytes([255] * (len(body) // 255) + [len(body) % 255])
        out += (
            b"OggS\0"
            + bytes([2 * (n == 0)])
            + struct.pack("<QIII", n * 960, 77, n, 0)
            + bytes([len(laces)])
            + laces
            + body
        )
    return out


def _fragments(data: bytes) -> bytes:
    head = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"iso5", 512, b"iso5", b"mp41")
    return head + b"".join(
        struct.pack(">I4s", 24, b"moof")
        + struct.pack(">I4sII", 16, b"mfhd", 0, at)
        + struct.pack(">I4s", len(data[at : at + 6000]) + 8, b"mdat")
        + data[at : at + 6000]
        for at in range(0, len(data), 6000)
    )


def _flv(data: bytes) -> bytes:
    out = b"FLV\1\5\0\0\0\x09\0\0\0\0"
    for at in range(0, len(data), 2000):
        body = b"\x27\1\0\0\0" + data[at : at + 2000]
        out += (
            b"\x09"
            + struct.pack(">I", len(body))[1:]
            + struct.pack(">I", at)[1:]
            + bytes(4)
            + body
            + struct.pack(">I", len(body) + 11)
        )
    return out


def _jpeg_scan(data: bytes) -> bytes:
    real = file_of("jpeg", 0)
    return real[: real.index(b"\xff\xda") + 14] + data.replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def _tar_of_pictures(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for n, at in enumerate(range(0, len(data), 9000)):
            item = tarfile.TarInfo(f"photos/{n:03d}.jpg")
            item.size = len(data[at : at + 9000])
            tar.addfile(item, io.BytesIO(data[at : at + 9000]))
    return buffer.getvalue()


def _trailing_zip(data: bytes) -> bytes:
    return data + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 60, len(data) - 60, 0)


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "mpeg-ts": _ts,
    "adts": _adts,
    "ogg-pages": _ogg,
    "mp4-fragments": _fragments,
    "flv-tags": _flv,
    "jpeg-scan": _jpeg_scan,
    "tar-of-jpg": _tar_of_pictures,
    "zip-trailer": _trailing_zip,
    "executable-section": lambda d: program()[:2000] + d,
    "pe-then": lambda d: b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(200) + d,
    "tiff": lambda d: b"II*\0" + struct.pack("<IHHHIIHHIII", 8, 2, 256, 3, 1, 512, 273, 4, 1, 42, 0) + d,
    "aiff": lambda d: (
        b"FORM"
        + struct.pack(">I", len(d) + 46)
        + b"AIFFCOMM"
        + struct.pack(">IhIh", 18, 1, len(d) // 2, 16)
        + b"\x40\x0e\xac\x44"
        + bytes(6)
        + b"SSND"
        + struct.pack(">III", len(d) + 8, 0, 0)
        + d
    ),
    "cms-enveloped": lambda d: (
        b"\x30\x83"
        + struct.pack(">I", len(d) + 30)[1:]
        + b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x83"
        + struct.pack(">I", len(d) + 8)[1:]
        + b"\x04\x83"
        + struct.pack(">I", len(d))[1:]
        + d
    ),
    "pdf-stream": lambda d: (
        b"%%PDF-1.5\n1 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(d)
        + d
        + b"\nendstream\nendobj\n%%EOF\n"
    ),
    "lz4-stored-blocks": lambda d: (
        b"\x04\x22\x4d\x18\x60\x40\x82"
        + b"".join(
            struct.pack("<I", 0x80000000 | len(d[a : a + 65536])) + d[a : a + 65536] for a in range(0, len(d), 65536)
        )
        + bytes(4)
    ),
    "gif-of": lambda d: (
        b"GIF89a\x40\x01\xf0\0\xf7\0\0"
        + bytes(range(256)) * 3
        + b",\0\0\0\0\x40\x01\xf0\0\0\x08"
        + b"".join(bytes([len(d[a : a + 255])]) + d[a : a + 255] for a in range(0, len(d), 255))
        + b"\0;"
    ),
    "dns-messages": lambda d: b"".join(
        struct.pack(">H", 40 + len(d[a : a + 200]))
        + struct.pack(">6H", a & 0xFFFF, 0x8180, 1, 1, 0, 0)
        + b"\3www\7example\3com\0\0\x10\0\1"
        + d[a : a + 200]
        for a in range(0, len(d), 200)
    ),
}


def _held(name: str, code: Callable[[bytes], bytes]) -> None:
    def session(rng: Random) -> Session:
        data = code(rng.randbytes(log_uniform(rng, 24_000, 60_000)))
        return transfer(data, b"" if rng.random() < 0.5 else b"get\n", by_client=rng.random() < 0.5)

    add_shape(f"third-{name}-of-noise", "third holders", True, session)


for _name, _code in CONTAINERS.items():
    _held(_name, _code)
