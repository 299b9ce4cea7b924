"""Covert shapes I: ciphertext in messages, each with its own header, size, padding or encoding."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from random import Random
from urllib.parse import quote_from_bytes

from .sessions import MakeFrame, Session, add_framing, dialogue, shape


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _header(layout: str, *fields: Callable[[bytes, int, bool], object]) -> MakeFrame:
    """Return a maker of frames whose header packs ``fields(payload, number, to_server)`` by ``layout``."""
    return lambda rng: lambda data, n, up: struct.pack(layout, *(field(data, n, up) for field in fields)) + data


def _size(data: bytes, n: int, up: bool) -> int:
    return len(data)


def _number(data: bytes, n: int, up: bool) -> int:
    return n


def _constant(value: object) -> Callable[[bytes, int, bool], object]:
    return lambda data, n, up: value


# --- lengths ---

for _name, _layout in {
    "u16be": ">H",
    "u16le": "<H",
    "u32be": ">I",
    "u32le": "<I",
    "u64be": ">Q",
    "u64le": "<Q",
}.items():
    add_framing(f"length-{_name}", "lengths", _header(_layout, _size))
add_framing("length-u8", "lengths", _header("B", _size), sizes=(16, 255))
add_framing("length-u24be", "lengths", lambda rng: lambda d, n, up: len(d).to_bytes(3, "big") + d)
add_framing("length-varint", "lengths", lambda rng: lambda d, n, up: _varint(len(d)) + d)
add_framing("length-with-header", "lengths", _header(">HH", lambda d, n, up: len(d) + 4, _constant(1)))
add_framing("length-decimal-line", "lengths", lambda rng: lambda d, n, up: b"%d\n" % len(d) + d)
add_framing("length-hex-chunked", "lengths", lambda rng: lambda d, n, up: b"%x\r\n" % len(d) + d + b"\r\n")
add_framing("netstring", "lengths", lambda rng: lambda d, n, up: b"%d:" % len(d) + d + b",")
add_framing("length-nul-text", "lengths", lambda rng: lambda d, n, up: b"%d\0" % len(d) + d)
add_framing("length-behind", "lengths", lambda rng: lambda d, n, up: d + struct.pack("<I", len(d)))
add_framing("length-masked", "lengths", lambda rng: lambda d, n, up: struct.pack("<I", len(d) ^ 0x5A17C3E9) + d)
add_framing("length-twice", "lengths", _header("<II", _size, lambda d, n, up: len(d) * 3 + 11))
add_framing(
    "magic-two-lengths",
    "lengths",
    lambda rng: lambda d, n, up: b"Vr9xQ" + struct.pack("<II", len(d) + 13, 2 * len(d)) + d,
)

# --- types, counters, ids ---

add_framing(
    "length-type", "headers", lambda rng: lambda d, n, up: struct.pack(">IB", len(d), rng.choice((1, 2, 7))) + d
)
add_framing("type-length", "headers", lambda rng: lambda d, n, up: struct.pack("<BxH", rng.choice((3, 4)), len(d)) + d)
add_framing(
    "magic-length-type-sequence", "headers", _header("<IIHH", _constant(0xDEADBEEF), _size, _constant(2), _number)
)
add_framing("sequence-u32", "headers", _header(">I", _number), "udp")
add_framing("sequence-u64", "headers", _header("<Q", _number), "udp")
add_framing("sequence-u16-type", "headers", _header(">HB", _number, _constant(5)), "udp")
add_framing("magic-only", "headers", lambda rng: lambda d, n, up: b"\x13\x37\xca\xfe" + d, "udp")
add_framing("magic-random", "headers", lambda rng: (lambda magic: lambda d, n, up: magic + d)(rng.randbytes(6)))
add_framing(
    "guid-each",
    "headers",
    lambda rng: (lambda guid: lambda d, n, up: guid + struct.pack("<I", len(d)) + d)(rng.randbytes(16)),
)
add_framing(
    "session-sequence",
    "headers",
    lambda rng: (lambda sid: lambda d, n, up: sid + struct.pack(">I", n) + d)(rng.randbytes(8)),
    "udp",
)
add_framing(
    "timestamp-ms",
    "headers",
    lambda rng: (lambda t: lambda d, n, up: struct.pack(">Q", t + 37 * n) + d)(1_760_000_000_000),
    "udp",
)
add_framing(
    "crc-behind",
    "headers",
    lambda rng: lambda d, n, up: struct.pack(">H", len(d)) + d + struct.pack(">I", zlib.crc32(d)),
)
add_framing("header-16-zeros", "headers", _header("<I12x", _size))
add_framing("header-64-padded", "headers", _header("<4sII52x", _constant(b"PKT1"), _size, _number))
add_framing(
    "utf16-name-header",
    "headers",
    lambda rng: lambda d, n, up: "chunk".encode("utf-16-le") + struct.pack("<I", len(d)) + d,
)
add_framing(
    "kcp-like",
    "headers",
    lambda rng: (
        lambda conv: (
            lambda d, n, up: struct.pack("<IBBHIIII", conv, 81, 0, 128, 4000 + 20 * n, n, max(n - 1, 0), len(d)) + d
        )
    )(rng.getrandbits(32)),
    "udp",
)
add_framing(
    "nonce-tag",
    "headers",
    lambda rng: lambda d, n, up: struct.pack(">H", len(d) + 28) + rng.randbytes(12) + d + rng.randbytes(16),
)
add_framing("counter-nonce", "headers", lambda rng: lambda d, n, up: struct.pack(">IQ", len(d), n) + d)
add_framing(
    "xor-constant-header",
    "headers",
    lambda rng: (
        lambda key: (
            lambda d, n, up: bytes(a ^ b for a, b in zip(struct.pack(">HHI", len(d), 3, n), key, strict=True)) + d
        )
    )(rng.randbytes(8)),
)
add_framing(
    "first-byte-alphabet",
    "headers",
    lambda rng: lambda d, n, up: bytes([rng.choice((0x28, 0x30, 0x38, 0x48))]) + d,
    "udp",
)

# --- small messages ---

add_framing("raw-1-to-8", "small", lambda rng: lambda d, n, up: d, sizes=(1, 8))
add_framing("raw-8-to-64", "small", lambda rng: lambda d, n, up: d, sizes=(8, 64))
add_framing("raw-blocks-16", "small", lambda rng: lambda d, n, up: d, sizes=(16, 16))
add_framing("length-16-to-64", "small", _header(">H", _size), sizes=(16, 64))
add_framing("length-u32-small", "small", _header("<I", _size), sizes=(24, 90))
add_framing("datagrams-40-to-120", "small", lambda rng: lambda d, n, up: d, "udp", (40, 120))
add_framing("ping-pong-32", "small", _header("<HH", _size, _number), sizes=(32, 32))

# --- padding ---

add_framing(
    "zero-padded-512", "padding", lambda rng: lambda d, n, up: struct.pack(">H", len(d)) + d + bytes(-len(d) % 512)
)
add_framing("ff-padded-256", "padding", lambda rng: lambda d, n, up: d + b"\xff" * (-len(d) % 256))
add_framing("half-zeros", "padding", lambda rng: lambda d, n, up: struct.pack("<I", len(d)) + d + bytes(len(d)))
add_framing("space-padded", "padding", lambda rng: lambda d, n, up: d + b" " * (-len(d) % 128))
add_framing("zeros-before", "padding", lambda rng: lambda d, n, up: bytes(48) + d, "udp")

# --- encodings ---


def _pack_bits(data: bytes, bits: int, low: int) -> bytes:
    """Spread data over bytes that carry ``bits`` bits each, starting at the value ``low``."""
    value, out, held = 0, bytearray(), 0
    for byte in data:
        value, held = value << 8 | byte, held + 8
        while held >= bits:
            held -= bits
            out.append(low + (value >> held & (1 << bits) - 1))
        value &= (1 << held) - 1
    return bytes(out)


def _zero_interleaved(data: bytes) -> bytes:
    out = bytearray(2 * len(data))
    out[::2] = data
    return bytes(out)


_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64url": lambda d: base64.urlsafe_b64encode(d).rstrip(b"="),
    "base32": base64.b32encode,
    "hex": binascii.hexlify,
    "hex-upper": base64.b16encode,
    "ascii85": base64.a85encode,
    "utf16-base64": lambda d: base64.b64encode(d).decode().encode("utf-16-le"),
    "percent": lambda d: quote_from_bytes(d, safe="").encode(),
    "zero-interleaved": _zero_interleaved,
    "bits-7": lambda d: _pack_bits(d, 7, 0),
    "bits-6": lambda d: _pack_bits(d, 6, 48),
    "bits-5": lambda d: _pack_bits(d, 5, 97),
}
for _name, _encode in _ENCODERS.items():
    add_framing(f"{_name}-lines", "encodings", (lambda encode: lambda rng: lambda d, n, up: encode(d) + b"\n")(_encode))
add_framing(
    "base64-in-json", "encodings", lambda rng: lambda d, n, up: b'{"id": %d, "data": "%s"}\n' % (n, base64.b64encode(d))
)
add_framing(
    "base64-in-xml", "encodings", lambda rng: lambda d, n, up: b"<m n='%d'>%s</m>\r\n" % (n, base64.b64encode(d))
)
add_framing("base64-stream", "encodings", lambda rng: lambda d, n, up: base64.b64encode(d[: len(d) // 3 * 3 or 3]))
add_framing(
    "repeated-key-xor",
    "encodings",
    lambda rng: (
        lambda key: lambda d, n, up: struct.pack(">I", len(d)) + bytes(b ^ key[i & 7] for i, b in enumerate(d))
    )(rng.randbytes(8)),
)


# --- nothing at all ---


@shape("raw", covert=True)
def raw_upload(rng: Random) -> Session:
    """One direction, nothing but ciphertext."""
    return Session().client(*(rng.randbytes(1400) for _ in range(rng.randint(2, 40))))


@shape("raw", covert=True)
def raw_download(rng: Random) -> Session:
    """A short sealed request, a long sealed answer."""
    return Session().client(rng.randbytes(rng.randint(60, 500))).server(rng.randbytes(rng.randint(3000, 50_000)))


@shape("raw", covert=True)
def raw_both(rng: Random) -> Session:
    """Writes of any size in both directions."""
    return dialogue(rng, lambda d, n, up: d)


@shape("raw", covert=True)
def raw_datagrams(rng: Random) -> Session:
    """Datagrams of ciphertext."""
    return dialogue(rng, lambda d, n, up: d, "udp")


@shape("raw", covert=True)
def beacon(rng: Random) -> Session:
    """Fifteen rounds of 200 bytes up and down."""
    session = Session()
    for _ in range(15):
        session.client(rng.randbytes(200)).server(rng.randbytes(200))
    return session


@shape("raw", covert=True)
def salt_and_chunks(rng: Random) -> Session:
    """As AEAD proxies do: a salt, then sealed lengths and sealed chunks, all of it random to the eye."""
    session = Session().client(rng.randbytes(32 + 34 + rng.randint(80, 600)))
    session.server(rng.randbytes(32 + 34 + rng.randint(80, 1300)))
    for _ in range(rng.randint(2, 12)):
        session.server(rng.randbytes(rng.randint(200, 4000)))
        if rng.random() < 0.4:
            session.client(rng.randbytes(34 + rng.randint(40, 500)))
    return session


@shape("raw", covert=True)
def padded_handshake(rng: Random) -> Session:
    """A handshake of random length both ways, then frames up to a segment, as obfs4 does."""
    session = Session().client(rng.randbytes(rng.randint(200, 4000))).server(rng.randbytes(rng.randint(200, 4000)))
    for _ in range(rng.randint(3, 25)):
        (session.client if rng.random() < 0.4 else session.server)(rng.randbytes(rng.randint(60, 1448)))
    return session
