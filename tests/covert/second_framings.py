"""Covert shapes III: ciphertext in frames and envelopes, written blind: without a look at what the classifier does."""

from __future__ import annotations

import binascii
import struct
import zlib
from collections.abc import Callable
from random import Random

from .encoders import bson, cbor, msgpack, varint
from .sessions import Frame, add_framing

Sizes = tuple[int, int]


def _same(frame: Frame) -> Callable[[Random], Frame]:
    return lambda rng: frame


# --- envelopes of serialisers ---


def _ber(tag: int, body: bytes) -> bytes:
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack(">H", len(body))
    return bytes([tag]) + size + body


def _proto_envelope(d: bytes, n: int, up: bool) -> bytes:
    body = b"\x08" + varint(n) + b"\x10" + varint(1 + up) + b"\x1a" + varint(len(d)) + d
    return varint(len(body)) + body


def _cbor_bytes(d: bytes) -> bytes:
    return b"\x59" + struct.pack(">H", len(d)) + d


def _bson_envelope(d: bytes, n: int, up: bool) -> bytes:
    body = b"\x10seq\0" + struct.pack("<i", n) + b"\x05body\0" + struct.pack("<iB", len(d), 0) + d + b"\0"
    return struct.pack("<i", len(body) + 4) + body


add_framing("env-protobuf", "envelopes", _same(_proto_envelope))
add_framing("env-protobuf-one-field", "envelopes", _same(lambda d, n, up: b"\x12" + varint(len(d)) + d))
add_framing(
    "env-msgpack-map",
    "envelopes",
    _same(lambda d, n, up: msgpack({"i": n, "up": up}) + b"\xc5" + struct.pack(">H", len(d)) + d),
)
add_framing("env-cbor-array", "envelopes", _same(lambda d, n, up: b"\x83" + cbor(n) + cbor("data") + _cbor_bytes(d)))
add_framing("env-bson", "envelopes", _same(_bson_envelope))
add_framing(
    "env-bson-head-then-body", "envelopes", _same(lambda d, n, up: bson({"op": "put", "n": n, "len": len(d)}) + d)
)
add_framing(
    "env-ber-octets", "envelopes", _same(lambda d, n, up: _ber(0x30, _ber(2, struct.pack(">I", n)) + _ber(4, d)))
)

# --- type, length, value ---


def _tlv(kinds: str, *parts: bytes) -> bytes:
    return b"".join(struct.pack(kinds, number + 1, len(part)) + part for number, part in enumerate(parts))


add_framing("tlv-u8-u16", "tlv", lambda rng: lambda d, n, up: _tlv(">BH", rng.randbytes(12), d, rng.randbytes(16)))
add_framing("tlv-u16-u32", "tlv", lambda rng: lambda d, n, up: _tlv("<HI", struct.pack("<Q", n), d))
add_framing(
    "tlv-u8-u8-fragments",
    "tlv",
    _same(
        lambda d, n, up: b"".join(
            struct.pack("BB", 7, len(d[at : at + 250])) + d[at : at + 250] for at in range(0, len(d), 250)
        )
    ),
)
add_framing("nested-lengths", "tlv", _same(lambda d, n, up: struct.pack(">IHH", len(d) + 4, 1, len(d)) + d))
add_framing("own-record-u24", "tlv", _same(lambda d, n, up: b"\x05" + (len(d) + 1).to_bytes(3, "big") + b"\x01" + d))
add_framing(
    "varint-zigzag-delta",
    "tlv",
    lambda rng: (
        lambda last: (
            lambda d, n, up: (
                lambda step: (
                    last.append(len(d)),
                    varint(step << 1 if step >= 0 else (-step << 1) - 1) + varint(n) + d,
                )[1]
            )(len(d) - last[-1])
        )
    )([0]),
)

# --- sums and stuffing ---


def _slip(d: bytes) -> bytes:
    return b"\xc0" + d.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def _cobs(d: bytes) -> bytes:
    out = bytearray()
    for run in d.split(b"\0"):
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
        out += bytes([len(run) + 1]) + run
    return bytes(out) + b"\0"


def _hdlc(d: bytes, n: int, up: bool) -> bytes:
    body = b"\xff\x03" + struct.pack(">BH", n & 7, 0x0021) + d
    body += struct.pack("<H", binascii.crc_hqx(body, 0xFFFF))
    return b"\x7e" + body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e") + b"\x7e"


add_framing("slip", "stuffing", _same(lambda d, n, up: _slip(d)))
add_framing("cobs", "stuffing", _same(lambda d, n, up: _cobs(d)))
add_framing("hdlc", "stuffing", _same(_hdlc))
add_framing(
    "magic2-length-type-crc",
    "sums",
    _same(lambda d, n, up: b"\xa5\x5a" + struct.pack("<HB", len(d), n & 3) + d + struct.pack("<I", zlib.crc32(d))),
)
add_framing(
    "chunks-1024-crc", "sums", _same(lambda d, n, up: struct.pack(">II", len(d), zlib.crc32(d)) + d), sizes=(1024, 1024)
)
add_framing(
    "xor-sum-byte",
    "sums",
    _same(lambda d, n, up: b"\x02" + struct.pack(">H", len(d)) + d + bytes([sum(d) & 255]) + b"\x03"),
)
add_framing("adler-ahead", "sums", _same(lambda d, n, up: struct.pack(">IIB", zlib.adler32(d), len(d), 0x10) + d))

# --- headers of one's own ---

add_framing(
    "header-32",
    "own headers",
    lambda rng: (
        lambda sid: (
            lambda d, n, up: b"AGENTX02" + struct.pack("<HHIIIQ", 2, up, len(d), n, sid, 1_760_000_000_000 + 40 * n) + d
        )
    )(rng.getrandbits(32)),
)
add_framing(
    "header-40-uuid",
    "own headers",
    lambda rng: (
        lambda uid: lambda d, n, up: uid + struct.pack(">QQII", 1_760_000_000_123 + n, n, len(d), 0xFFFFFFFF) + d
    )(rng.randbytes(16)),
)
add_framing(
    "header-64-random-session",
    "own headers",
    lambda rng: (lambda sid: lambda d, n, up: sid + struct.pack("<IIQ", len(d), n, 0) + d)(rng.randbytes(48)),
)
add_framing(
    "header-12-per-message-id",
    "own headers",
    lambda rng: lambda d, n, up: struct.pack("<I", len(d)) + rng.randbytes(8) + d,
)
add_framing(
    "header-masked-4",
    "own headers",
    lambda rng: (
        lambda key: (
            lambda d, n, up: bytes(a ^ key[i & 3] for i, a in enumerate(struct.pack("<IIBBH", len(d), n, 1, 0, 8))) + d
        )
    )(rng.randbytes(4)),
)
add_framing(
    "header-hostname-u16",
    "own headers",
    lambda rng: lambda d, n, up: b"WIN-7F3KQ1\0\0\0\0\0\0" + struct.pack("<HH", 0x1001, len(d)) + d,
)
add_framing(
    "index-total-offset", "own headers", _same(lambda d, n, up: struct.pack("<IIQH", n, 4096, n * 1000, len(d)) + d)
)
add_framing(
    "record-type-u16", "own headers", _same(lambda d, n, up: struct.pack(">BBH", 0x41, 0x02, len(d) ^ 0x8000) + d)
)

# --- padding ---


def _bucket(size: int) -> int:
    return next(bucket for bucket in (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384) if bucket >= size)


add_framing(
    "buckets-zero-fill",
    "buckets",
    _same(lambda d, n, up: (struct.pack(">H", len(d)) + d).ljust(_bucket(len(d) + 2), b"\0")),
)
add_framing(
    "buckets-pad-byte",
    "buckets",
    _same(lambda d, n, up: (lambda b: struct.pack("<I", len(d)) + d + bytes([b & 255]) * b)(-(len(d) + 4) % 128)),
)
add_framing(
    "grid-1024-text-fill",
    "buckets",
    _same(lambda d, n, up: struct.pack("<I", len(d)) + d + (b"PADDING" * 150)[: -(len(d) + 4) % 1024]),
)
add_framing(
    "grid-48-zero-fill",
    "buckets",
    _same(lambda d, n, up: bytes([len(d) & 255]) + d + bytes(-(len(d) + 1) % 48)),
    sizes=(10, 200),
)
add_framing(
    "random-fill",
    "buckets",
    lambda rng: (
        lambda d, n, up: (
            struct.pack(">HH", len(d), _bucket(len(d)) - len(d)) + d + rng.randbytes(_bucket(len(d)) - len(d))
        )
    ),
)

# --- small messages ---

add_framing("tiny-varint", "tiny", _same(lambda d, n, up: varint(len(d)) + d), sizes=(1, 64))
add_framing(
    "tiny-type-blocks", "tiny", lambda rng: lambda d, n, up: bytes([rng.choice((0x10, 0x11, 0x20))]) + d, sizes=(16, 16)
)
add_framing("keystrokes-u16", "tiny", _same(lambda d, n, up: struct.pack(">H", len(d)) + d), sizes=(17, 22))
add_framing("tiny-udp-counter", "tiny", _same(lambda d, n, up: bytes([n & 255]) + d), "udp", (1, 64))
add_framing("tiny-raw", "tiny", _same(lambda d, n, up: d), sizes=(1, 64))
add_framing("tiny-magic", "tiny", _same(lambda d, n, up: b"\x55\xaa" + bytes([len(d)]) + d), sizes=(8, 48))
