"""Benign shapes VI: records of games and services, plain or with media inside; written blind."""

from __future__ import annotations

import hashlib
import math
import struct
import uuid
import zlib
from collections.abc import Callable
from random import Random

from .benign_files import picture
from .encoders import bson, cbor, msgpack, record, varint, words
from .sessions import Session, Transport, add_shape, log_uniform

Make = Callable[[Random, int], bytes]
Wrap = Callable[[int, bytes], bytes]


def bits_of(fields: list[tuple[int, int]]) -> bytes:
    """Return ``(value, bits)`` fields packed without gaps, most significant bit first."""
    number = length = 0
    for value, bits in fields:
        number = number << bits | value & ((1 << bits) - 1)
        length += bits
    pad = -length % 8
    return (number << pad).to_bytes((length + pad) // 8, "big")


def zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


# --- framings ---

RAW: Wrap = lambda n, d: d  # noqa: E731
VARINT: Wrap = lambda n, d: varint(len(d)) + d  # noqa: E731
U16LE: Wrap = lambda n, d: struct.pack("<H", len(d)) + d  # noqa: E731
U32_TYPE: Wrap = lambda n, d: struct.pack(">IB", len(d) + 1, 7) + d  # noqa: E731
U24_SEQUENCE: Wrap = lambda n, d: struct.pack("<I", len(d))[:3] + bytes([n & 255]) + d  # noqa: E731
COUNTED: Wrap = lambda n, d: struct.pack("<HHI", n & 0xFFFF, len(d), 1_000 * n) + d  # noqa: E731
SUMMED: Wrap = lambda n, d: struct.pack(">IIB", zlib.crc32(d), len(d), 1) + d  # noqa: E731
GRPC: Wrap = lambda n, d: struct.pack(">BI", 0, len(d)) + d  # noqa: E731
ONES: Wrap = lambda n, d: struct.pack(">BI", 1, len(d)) + d  # noqa: E731


def add(
    name: str,
    make: Make,
    wrap: Wrap,
    transport: Transport = "tcp",
    asked: bytes = b"",
    *,
    up: bool = False,
    most: int = 50_000,
) -> None:
    """Records in messages; one write each, or several."""

    def session(rng: Random) -> Session:
        total, batch = log_uniform(rng, 4000, most), rng.choice((1, 1, 4))
        talk = Session(transport).client(asked)
        say = talk.client if up else talk.server
        number = 0
        while talk.size < total:
            write = b"".join(wrap(number + i, make(rng, number + i)) for i in range(batch if transport == "tcp" else 1))
            say(write if transport == "tcp" else write[:1200])
            number += batch
        return talk

    add_shape(name, "third wires", False, session)


# --- games ---


def _snapshot(rng: Random, number: int) -> bytes:
    """Quantised places, angles and health of entities, packed by the bit."""
    fields = [(number, 16), (24, 6)]
    for entity in range(24):
        turn = number / (15 + entity)
        fields += [(entity, 7), (round(2000 + 1800 * math.cos(turn)), 13), (round(2000 + 1800 * math.sin(turn)), 13)]
        fields += [(round(turn * 300) & 1023, 10), (rng.randint(60, 100), 7), (int(rng.random() < 0.1), 1)]
    return bits_of(fields)


def _delta_snapshot(rng: Random, number: int) -> bytes:
    """What has changed since the last snapshot: a bit for each field, then small differences, packed by the bit."""
    fields = [(number, 16)]
    for _ in range(40):
        for bits in (6, 6, 4, 8):
            changed = rng.random() < 0.6
            fields += [(int(changed), 1)] + [(round(rng.gauss(0, 2 ** (bits - 3))), bits)] * changed
    return bits_of(fields)


def _chunk_of_blocks(rng: Random, number: int) -> bytes:
    """A part of a world of blocks: heights that follow hills, ids from a palette, deflated."""
    hills = [
        [8 + round(5 * math.sin((x + 16 * number) / 9) + 3 * math.cos(z / 7)) for x in range(16)] for z in range(16)
    ]
    blocks = bytes(
        (1 if y < h - 3 else 3 if y < h else 0) if rng.random() > 0.02 else 14 + rng.randrange(6)
        for y in range(20)
        for row in hills
        for h in row
    )
    return struct.pack(">iiI", number, -number, len(blocks)) + zlib.compress(blocks, 6)


def _inputs(rng: Random, number: int) -> bytes:
    return struct.pack(
        "<IBhhB", number, rng.choice((0, 1, 1, 3, 9)), round(rng.gauss(0, 40)), round(rng.gauss(0, 15)), 0
    )


def components(rng: Random, number: int) -> bytes:
    """Components of entities by name of type, 32-bit floats for places and turns."""
    out = b""
    for entity in range(8):
        turn = number / 20 + entity
        out += struct.pack("<IB", 4096 + entity, 3) + struct.pack(
            "<H3f", 1, *(50 * f(turn) for f in (math.cos, math.sin, math.cos))
        )
        out += struct.pack("<H4f", 2, 0, math.sin(turn / 2), 0, math.cos(turn / 2)) + struct.pack(
            "<HHH", 5, rng.randint(0, 100), 100
        )
    return out


add("third-game-bits-udp", _snapshot, COUNTED, "udp", b"\xff\xff\xff\xffgetchallenge")
add("third-game-delta-bits-udp", _delta_snapshot, RAW, "udp", b"\1\0\0\0connect")
add("third-game-blocks-varint", _chunk_of_blocks, VARINT, asked=b"\x10\0\x2f\x09localhost\x63\xdd\x02")
add("third-game-inputs-udp", _inputs, RAW, "udp", up=True, most=12_000)
add("third-game-components-u16", components, U16LE)

# --- services ---


def span(rng: Random, number: int) -> bytes:
    """A span of a trace: random ids, times, attributes."""
    start = 1_760_000_000_000_000_000 + number * 1_234_567 + rng.randrange(100_000)
    out = (
        field(1, rng.randbytes(16))
        + field(2, rng.randbytes(8))
        + field(5, rng.choice((b"GET /cart", b"SELECT", b"render")))
    )
    out += b"\x39" + struct.pack("<Q", start) + b"\x41" + struct.pack("<Q", start + rng.randrange(9_000_000))
    for key, value in (
        ("http.method", "GET"),
        ("peer", f"10.0.{rng.randrange(9)}.{rng.randrange(255)}"),
        ("note", words(rng, 3)),
    ):
        out += field(9, field(1, key.encode()) + field(2, field(1, value.encode())))
    return field(1, out)


def track(rng: Random, number: int) -> bytes:
    """Differences of a walk on a map: zigzag varints of latitude, longitude and time."""
    points = b"".join(
        zigzag(round(rng.gauss(12, 30))) + zigzag(round(rng.gauss(-5, 30))) + varint(rng.randint(4, 6))
        for _ in range(60)
    )
    return b"\x08" + varint(number) + field(2, points)


def _embedding(rng: Random, number: int) -> bytes:
    """An identifier and a vector of 96 floats of length 1."""
    vector = [rng.gauss(0, 1) for _ in range(96)]
    length = math.sqrt(sum(value * value for value in vector))
    return b"\x08" + varint(number) + field(2, struct.pack("<96f", *(value / length for value in vector)))


def _thumbnail(rng: Random, number: int) -> bytes:
    import io

    buffer = io.BytesIO()
    picture(number % 4, 320).crop((number * 7 % 200, 0, number * 7 % 200 + 96, 96)).save(buffer, "JPEG", quality=70)
    return b"\x08" + varint(number) + field(2, words(rng, 2).encode()) + field(3, buffer.getvalue())


def _bid(rng: Random, number: int) -> bytes:
    """A request of an auction: hashes and identifiers among few words."""
    out = field(1, hashlib.md5(str(rng.random()).encode()).hexdigest().encode()) + field(
        2, uuid.UUID(int=rng.getrandbits(128)).bytes
    )
    out += (
        b"\x18"
        + varint(rng.getrandbits(45))
        + b"\x25"
        + struct.pack("<f", rng.random())
        + field(6, b"Mozilla/5.0 (X11; Linux x86_64)")
    )
    return out + b"".join(b"\x38" + varint(rng.randrange(2000)) for _ in range(rng.randint(3, 12)))


def _tokens(rng: Random, number: int) -> bytes:
    """Identifiers of words, by how frequent they are, as packed varints."""
    return field(4, b"".join(varint(min(int(rng.paretovariate(0.6)), 50_000)) for _ in range(80)))


def _forward(rng: Random, number: int) -> bytes:
    entries = [
        [1_760_000_000 + number, {"log": words(rng, 9), "pid": 700 + number % 5, "host": "web-1"}] for _ in range(6)
    ]
    return msgpack(["app.access", entries, {"size": 6}])


def _senml(rng: Random, number: int) -> bytes:
    return cbor(
        [
            {"n": f"urn:dev:{i}", "t": 1_760_000 + number, "v": round(20 + math.sin(number / 9) + rng.gauss(0, 0.1), 2)}
            for i in range(5)
        ]
    )


def document(rng: Random, number: int) -> bytes:
    """A document of a store with an object id and binary fields."""
    item = {name: value for name, value in record(rng, number).items() if name != "id"}
    ids = (
        b"\x07_id\0"
        + struct.pack(">I", 1_760_000_000 + number)
        + b"\x9a\x3c\x51\x07\xe2"
        + struct.pack(">I", number)[1:]
    )
    ids += b"\x05ref\0" + struct.pack("<iB", 16, 4) + rng.randbytes(16)
    body = ids + bson(item)[4:]
    return struct.pack("<i", len(body) + 4) + body


add("third-trace-spans-grpc", span, GRPC, up=True)
add("third-gps-tracks-varint", track, VARINT, up=True)
add("third-embeddings-u32", _embedding, U32_TYPE)
add("third-thumbnails-varint", _thumbnail, VARINT, asked=b"\x12\x06photos")
add("third-bids-varint", _bid, VARINT)
add("third-tokens-u16", _tokens, U16LE)
add("third-forward-msgpack", _forward, RAW, up=True)
add("third-senml-cbor-udp", _senml, RAW, "udp", up=True, most=20_000)
add("third-documents-summed", document, SUMMED)
