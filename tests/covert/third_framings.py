"""Covert shapes V: ciphertext in framings and in company that the other lots have not; written blind."""

from __future__ import annotations

import binascii
import hashlib
import struct
import zlib
from collections.abc import Callable
from random import Random

from .benign_files import file_of
from .encoders import json_line, jsons, msgpack, player_state, protobuf, varint, words
from .mimicry_shapes import source_text
from .sessions import Frame, Session, Transport, add_framing, add_shape, dialogue, log_uniform

Sizes = tuple[int, int]


def _frame(
    name: str,
    make: Frame | Callable[[Random], Frame],
    transport: Transport = "tcp",
    sizes: Sizes | None = None,
    *,
    seeded: bool = False,
) -> None:
    """Dialogue in one framing; ``seeded``: ``make`` takes the generator and returns the framing of a flow."""
    add_framing(name, "third framings", make if seeded else lambda rng: make, transport, sizes)  # type: ignore[arg-type, return-value]


# --- framings ---


def _with_id(size: int, wrap: Callable[[bytes, bytes, int], bytes]) -> Callable[[Random], Frame]:
    """Framing with an identifier of the flow."""

    def make(rng: Random) -> Frame:
        own = rng.randbytes(size)
        return lambda d, n, up: wrap(own, d, n)

    return make


_frame("third-length-inverse", lambda d, n, up: struct.pack(">HH", len(d), ~len(d) & 0xFFFF) + d)
_frame("third-length-in-words", lambda d, n, up: struct.pack("<H", (len(d) + 3) // 4) + d + bytes(-len(d) % 4))
_frame("third-length-pdp", lambda d, n, up: struct.pack("<HH", len(d) >> 16, len(d) & 0xFFFF) + d)
_frame("third-length-hex-8", lambda d, n, up: b"%08x" % len(d) + d)
_frame("third-length-bcd", lambda d, n, up: bytes.fromhex(f"{len(d):06d}") + d)
_frame("third-length-bits", lambda d, n, up: struct.pack(">I", len(d) * 8) + d)
_frame(
    "third-length-times-mark", lambda d, n, up: b"\xab\xcd" + struct.pack("<I", len(d)) + b"\x01\x00" + d + b"\xdc\xba"
)
_frame("third-sealed-length-tag", lambda rng: lambda d, n, up: rng.randbytes(18) + d + rng.randbytes(16), seeded=True)
_frame("third-sealed-length-2", lambda rng: lambda d, n, up: rng.randbytes(2) + d, seeded=True)
_frame(
    "third-header-size-byte",
    lambda rng: lambda d, n, up: bytes([8 + 4 * (n % 3), 1]) + struct.pack(">HI", len(d), n) + bytes(4 * (n % 3)) + d,
    seeded=True,
)
_frame("third-sequence-behind", lambda d, n, up: d + struct.pack(">I", n))
_frame("third-md5-behind", lambda d, n, up: struct.pack(">I", len(d)) + d + hashlib.md5(d).digest())
_frame(
    "third-sum-of-header", lambda d, n, up: (h := struct.pack(">BBHI", 5, up, len(d), n)) + bytes([sum(h) & 255]) + d
)
_frame("third-time-double", lambda d, n, up: struct.pack("<dI", 1_760_000_000.25 + n * 0.037, len(d)) + d)
_frame(
    "third-uuid-ahead",
    _with_id(16, lambda own, d, n: own + struct.pack(">HI", len(d), n) + d),
    seeded=True,
)
_frame("third-line-and-bytes", lambda d, n, up: b"DATA %d %d\r\n" % (n, len(d)) + d + b"\r\n")
_frame("third-stomp", lambda d, n, up: b"MESSAGE\nid:%d\ncontent-length:%d\n\n" % (n, len(d)) + d + b"\0\n")
_frame(
    "third-multipart",
    lambda d, n, up: b"--x7Q\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(d) + d + b"\r\n",
)
_frame(
    "third-json-then-bytes", lambda d, n, up: b'{"id":%d,"len":%d,"op":"push"}\n' % (n, len(d)) + d, sizes=(200, 4000)
)
_frame("third-xml-cdata", lambda d, n, up: b"<m n='%d'><![CDATA[" % n + d + b"]]></m>", sizes=(300, 3000))
_frame(
    "third-grpc-like",
    lambda d, n, up: struct.pack(">BI", 0, len(d) + 4) + b"\x0a" + varint(len(d))[:3].ljust(3, b"\0") + d,
)
_frame("third-thrift-like", lambda d, n, up: struct.pack(">IIIB3sI", len(d) + 20, 0x80010001, 4, 0x66, b"wri", n) + d)
_frame(
    "third-amf-like",
    lambda d, n, up: struct.pack(">B3s3sBI", 3, struct.pack(">I", n * 40)[1:], struct.pack(">I", len(d))[1:], 9, 1) + d,
)
_frame(
    "third-chunked-128",
    lambda d, n, up: b"".join(b"\xc3" + d[i : i + 128] for i in range(0, len(d), 128)) + b"\x03",
    sizes=(300, 4000),
)
_frame(
    "third-escape-byte",
    lambda d, n, up: (
        b"\x02" + d.replace(b"\x10", b"\x10\x10").replace(b"\x02", b"\x10\x82").replace(b"\x03", b"\x10\x83") + b"\x03"
    ),
)
_frame(
    "third-msgpack-array",
    lambda d, n, up: msgpack([n, "ev", up])[:-1] + b"\xc5" + struct.pack(">H", len(d)) + d,
    sizes=(100, 3000),
)
_frame(
    "third-mixed-kinds",
    lambda rng: (
        lambda d, n, up: (
            struct.pack(">BH", (t := rng.choice((1, 1, 1, 2))), len(d) if t == 1 else 6)
            + (d if t == 1 else struct.pack(">IH", n, 0))
        )
    ),
    seeded=True,
)
_frame(
    "third-stair-pad-64",
    lambda d, n, up: struct.pack(">H", len(d)) + d + b"\0" * (-(len(d) + 2) % 64),
    sizes=(200, 2500),
)
_frame(
    "third-udp-connection-id",
    _with_id(8, lambda own, d, n: b"\x40" + own + struct.pack(">H", n & 0xFFFF) + d),
    "udp",
    seeded=True,
)
_frame("third-udp-game-header", lambda d, n, up: struct.pack("<BIIB", 0xD4, n, max(n - 2, 0), 0xFF) + d, "udp")
_frame(
    "third-udp-fixed-1200",
    lambda d, n, up: struct.pack(">I", n) + d.ljust(1000, d[:1]),
    "udp",
    sizes=(980, 1000),
)
_frame("third-udp-parts", lambda d, n, up: struct.pack(">IBBH", n // 3, n % 3, 3, len(d)) + d, "udp")
_frame(
    "third-udp-masked-header",
    lambda rng: (
        lambda d, n, up: (
            (s := rng.randbytes(4))
            + bytes(a ^ b for a, b in zip(struct.pack(">HH", len(d), n & 0xFFFF), s, strict=True))
            + d
        )
    ),
    "udp",
    seeded=True,
)
_frame(
    "third-udp-tlv",
    lambda d, n, up: b"\1\4" + struct.pack(">I", n) + b"\2\1" + bytes([up]) + b"\3" + struct.pack(">H", len(d)) + d,
    "udp",
)
_frame(
    "third-udp-random-pad",
    lambda rng: lambda d, n, up: rng.randbytes(8) + d + rng.randbytes(rng.randint(0, 60)),
    "udp",
    seeded=True,
)
_frame(
    "third-udp-kcp-batches",
    lambda d, n, up: (
        struct.pack("<IBBHIIII", 0x1234, 82, 0, 32, n * 40, n, n, 0) * (n % 3)
        + struct.pack("<IBBHIIII", 0x1234, 81, 0, 128, n * 40, n, n, len(d))
        + d
    ),
    "udp",
)

# --- company ---


def _beside(name: str, content: Callable[[Random, int], bytes], frame: Frame, share: float) -> None:
    """Messages of ciphertext among others of ``content``, in one framing."""

    def session(rng: Random) -> Session:
        talk, number = Session(), 0
        while talk.size < 40_000:
            body = content(rng, number) if rng.random() < share else rng.randbytes(log_uniform(rng, 60, 1300))
            (talk.client if rng.random() < 0.3 else talk.server)(frame(body, number, False))
            number += 1
        return talk

    add_shape(name, "third company", True, session)


def _u32(d: bytes, n: int, up: bool) -> bytes:
    return struct.pack(">I", len(d)) + d


_beside("third-among-game-state", player_state, _u32, 0.4)
_beside("third-among-json", json_line, _u32, 0.4)
_beside("third-among-protobuf", protobuf, lambda d, n, up: varint(len(d)) + d, 0.3)
_beside("third-among-deflate", lambda rng, n: zlib.compress(jsons(rng, n)[:1500]), _u32, 0.3)


def _then(name: str, make: Callable[[Random], bytes], *, other_way: bool = False) -> None:
    """Something else in front, then raw ciphertext."""

    def session(rng: Random) -> Session:
        talk = Session().server(make(rng)) if other_way else Session().client(make(rng))
        for turn in dialogue(rng, lambda d, n, up: d, total=(20_000, 50_000)).turns:
            talk.turns.append((True, turn[1]))
        return talk

    add_shape(name, "third company", True, session)


_then("third-config-then-noise", lambda rng: b"".join(json_line(rng, i) for i in range(12)))
_then("third-png-down-noise-up", lambda rng: file_of("png", rng.randrange(4))[:9000], other_way=True)
_then("third-deflate-then-noise", lambda rng: struct.pack(">I", 900) + zlib.compress(source_text(rng, 9000)))
_then("third-long-talk-then-noise", lambda rng: "\n".join(words(rng, 9) for _ in range(60)).encode())
_then("third-zeros-then-noise", lambda rng: bytes(3000))


def _alternating(rng: Random) -> Session:
    """Pictures and ciphertext by turns, each behind a length."""
    talk = Session()
    for n in range(6):
        talk.server(_u32(file_of("jpeg", n % 4)[: 3000 + 100 * n], n, False))
        talk.client(_u32(rng.randbytes(3000), n, True))
    return talk


def _polled(rng: Random) -> Session:
    """Empty polls of the client, answers of ciphertext now and then."""
    talk = Session()
    for n in range(200):
        talk.client(struct.pack(">HHI", 8, 1, n))
        if rng.random() < 0.3:
            data = rng.randbytes(log_uniform(rng, 100, 900))
            talk.server(struct.pack(">HHI", len(data) + 8, 2, n) + data)
        else:
            talk.server(struct.pack(">HHI", 8, 3, n))
    return talk


def _checked(rng: Random) -> Session:
    """Blocks with their sum in hexadecimal before each."""
    talk = Session()
    for _ in range(12):
        data = rng.randbytes(2048)
        talk.client(b"%08x:" % binascii.crc32(data) + data).server(b"ok\n")
    return talk


add_shape("third-pictures-and-noise", "third company", True, _alternating)
add_shape("third-polled", "third company", True, _polled)
add_shape("third-sum-in-hex", "third company", True, _checked)
