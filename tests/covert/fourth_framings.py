"""Covert shapes VIII: headers, lengths and padding that the other lots have not; written blind."""

from __future__ import annotations

import binascii
import itertools
import struct
import zlib
from collections.abc import Callable
from random import Random

from .encoders import cbor, msgpack, varint
from .sessions import Frame, Transport, add_framing

Sizes = tuple[int, int]


def _frame(name: str, frame: Frame, transport: Transport = "tcp", sizes: Sizes | None = None) -> None:
    add_framing(f"fourth-{name}", "fourth framings", lambda rng: frame, transport, sizes)


def _seeded(
    name: str, make: Callable[[Random], Frame], transport: Transport = "tcp", sizes: Sizes | None = None
) -> None:
    add_framing(f"fourth-{name}", "fourth framings", make, transport, sizes)


def _mix(data: bytes, mask: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, itertools.cycle(mask), strict=False))


def _tlv(kind: int, data: bytes) -> bytes:
    return struct.pack(">BH", kind, len(data)) + data


# --- where the length stands ---

_frame("varint-sum", lambda d, n, up: varint(len(d)) + d + struct.pack("<I", zlib.crc32(d)))
_frame("length-behind", lambda d, n, up: d + struct.pack(">H", len(d)))
_frame("length-and-magic-behind", lambda d, n, up: d + struct.pack("<I", len(d)) + b"\xab\xcd")
_frame("u48-length", lambda d, n, up: len(d).to_bytes(6, "big") + d)
_frame("sum-then-length", lambda d, n, up: struct.pack("<HH", binascii.crc_hqx(d, 0), len(d)) + d)
_frame("decimal-8", lambda d, n, up: b"%08d" % len(d) + d)
_frame("netstring-like", lambda d, n, up: b"%d:" % len(d) + d + b",")
_frame("line-in-front", lambda d, n, up: b"MSG %d %d\r\n" % (n, len(d)) + d + b"\r\n", sizes=(150, 1400))
_frame("chunks-with-names", lambda d, n, up: b"%x;seq=%d\r\n" % (len(d), n) + d + b"\r\n", sizes=(120, 2000))
_frame("request-like", lambda d, n, up: b"PUSH /p/%d len=%d\n\n" % (n, len(d)) + d, sizes=(200, 2500))
_frame(
    "lines-of-names",
    lambda d, n, up: b"DATA\nto:/queue/a\nsize:%d\nid:%d\n\n" % (len(d), n) + d + b"\0",
    sizes=(300, 3000),
)
_frame("two-lengths", lambda d, n, up: struct.pack(">IHII", len(d) + 10, 8, 0x51, n) + d)
_frame("length-high-first-7", lambda d, n, up: bytes([0x80 | len(d) >> 7, len(d) & 127]) + d, sizes=(60, 4000))

# --- nests, kinds, times ---

_seeded("nest-of-three", lambda rng: lambda d, n, up: _tlv(
    1, _tlv(2, struct.pack(">I", n)) + _tlv(3, d) + _tlv(4, rng.randbytes(16))
))  # fmt: skip
_frame("kinds-in-turn", lambda d, n, up: bytes([(0x11, 0x12, 0x20)[n % 3]]) + struct.pack("<I", len(d))[:3] + d)
_seeded("times", lambda rng: lambda d, n, up: struct.pack(
    ">QH", 1_760_000_000_000 + 37 * n + rng.randrange(20), len(d)
) + d)  # fmt: skip
_seeded("name-of-16", lambda rng: (lambda own: lambda d, n, up: own + struct.pack("<I", len(d)) + d)(rng.randbytes(16)))


def _streams(rng: Random) -> Frame:
    names = [rng.getrandbits(32) for _ in range(5)]
    return lambda d, n, up: struct.pack(">IBH", rng.choice(names), n % 7 == 0, len(d)) + d


_seeded("several-streams", _streams)
_frame(
    "pieces-of-253",
    lambda d, n, up: b"".join(
        bytes([at + 253 >= len(d), len(d[at : at + 253])]) + d[at : at + 253] for at in range(0, len(d), 253)
    ),
)
_frame("map-msgpack", lambda d, n, up: msgpack({"t": "d", "n": n})[:-1] + b"\xc5" + struct.pack(">H", len(d)) + d)
_frame("map-cbor", lambda d, n, up: b"\xa3" + cbor("id") + cbor(n) + cbor("op") + cbor("put") + cbor("b") + (
    b"\x59" + struct.pack(">H", len(d)) + d
))  # fmt: skip
_frame(
    "message-of-four-fields",
    lambda d, n, up: (
        lambda body: varint(len(body)) + body
    )(b"\x0a\x08" + b"%08x" % (n * 77) + b"\x10" + varint(n) + b"\x1a\x04push" + b"\x22" + varint(len(d)) + d),
)  # fmt: skip

# --- padding ---

_seeded("pad-in-front", lambda rng: lambda d, n, up: (lambda p: bytes([len(p)]) + p + struct.pack(">H", len(d)) + d)(
    rng.randbytes(rng.randrange(64))
))  # fmt: skip
_seeded("pad-behind", lambda rng: lambda d, n, up: (lambda p: struct.pack(">HB", len(d), len(p)) + d + p)(
    rng.randbytes(rng.randrange(200))
))  # fmt: skip
_frame("zeros-to-16", lambda d, n, up: struct.pack(">H", len(d)) + d + bytes(-(len(d) + 2) % 16))
_frame("blocks-and-counter", lambda d, n, up: struct.pack("<I", n) + d[: max(len(d) // 16, 1) * 16].ljust(16, b"\1"))
_seeded("cells-of-512", lambda rng: (lambda circuit: lambda d, n, up: b"".join(
    struct.pack(">IBH", circuit, 3, len(d[at : at + 498])) + d[at : at + 498].ljust(505, b"\0")
    for at in range(0, len(d), 498)
))(rng.getrandbits(32)), sizes=(300, 5000))  # fmt: skip

# --- hidden headers ---

_seeded("mask-on-header", lambda rng: (lambda mask: lambda d, n, up: _mix(
    struct.pack(">HHBxH", 0x5A5A, len(d), 2, n & 0xFFFF), mask
) + d)(rng.randbytes(8)))  # fmt: skip
_frame("mask-by-number", lambda d, n, up: _mix(
    struct.pack(">HH", len(d), 1 + up), struct.pack(">I", n * 0x9E3779B1 & 0xFFFFFFFF)
) + d)  # fmt: skip
_seeded("mask-in-message", lambda rng: lambda d, n, up: (m := rng.randbytes(2)) + _mix(
    struct.pack(">HB", len(d), 7), m
) + d)  # fmt: skip

# --- datagrams ---

_seeded("udp-nonce-24", lambda rng: lambda d, n, up: rng.randbytes(24) + d, "udp")
_seeded("udp-key-counter", lambda rng: (lambda key: lambda d, n, up: key + struct.pack("<Q", n) + d)(
    rng.randbytes(4)
), "udp")  # fmt: skip
_frame("udp-length-twice", lambda d, n, up: struct.pack(">H", len(d)) + d + struct.pack(">H", len(d)), "udp")
_seeded("udp-buckets-of-256", lambda rng: lambda d, n, up: b"\x21" + struct.pack(">H", len(d)) + d + rng.randbytes(
    -(len(d) + 3) % 256
), "udp")  # fmt: skip
_frame("udp-double-time", lambda d, n, up: struct.pack("<d", 1.76e9 + n * 0.0317) + d, "udp")
_seeded("udp-token", lambda rng: (lambda token: lambda d, n, up: b"tok=" + token + b";" + d)(
    rng.randbytes(4).hex().encode()
), "udp")  # fmt: skip
_seeded("udp-short-id", lambda rng: (lambda own: lambda d, n, up: own + d)(rng.randbytes(2)), "udp", (30, 200))
_frame("udp-ack-lists", lambda d, n, up: struct.pack(">BIB", 0x35, n, n % 4) + struct.pack(
    f">{n % 4}I", *range(max(n - 3, 0), max(n - 3, 0) + n % 4)
) + d, "udp")  # fmt: skip
