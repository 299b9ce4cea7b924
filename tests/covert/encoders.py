"""Applications' records in the encodings that they travel in: protobuf, msgpack, CBOR, BSON, BER and fixed layouts."""

from __future__ import annotations

import json
import math
import struct
from random import Random

from .mimicry_shapes import source_text

_WORDS = source_text(Random(7), 60_000).decode("latin-1").split()


def words(rng: Random, count: int) -> str:
    """Return words of source text."""
    return " ".join(rng.choice(_WORDS) for _ in range(count))


def record(rng: Random, number: int) -> dict[str, object]:
    """Return one record as an application has it."""
    return {
        "id": 10_000 + number,
        "name": words(rng, 2),
        "time": 1_760_000_000 + number * rng.randint(1, 9),
        "price": round(rng.lognormvariate(3, 1), 2),
        "active": rng.random() < 0.8,
        "tags": [words(rng, 1) for _ in range(rng.randint(0, 4))],
        "note": words(rng, rng.randint(0, 30)),
    }


def varint(number: int) -> bytes:
    """Return a base-128 varint, least significant group first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def protobuf(rng: Random, number: int) -> bytes:
    """Return a record in the protobuf wire format."""
    out = bytearray()
    for place, value in enumerate(record(rng, number).values(), 1):
        if isinstance(value, float):
            out += varint(place << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            out += varint(place << 3) + varint(int(value))
        else:
            for part in value if isinstance(value, list) else [value]:
                text = str(part).encode()
                out += varint(place << 3 | 2) + varint(len(text)) + text
    return bytes(out)


def msgpack(value: object) -> bytes:
    """Return a value in msgpack."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xce" + struct.pack(">I", value) if value > 127 else bytes([value])
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        head = bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xda" + struct.pack(">H", len(data))
        return head + data
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(msgpack, value))
    assert isinstance(value, dict)
    return bytes([0x80 | len(value)]) + b"".join(msgpack(k) + msgpack(v) for k, v in value.items())


def cbor(value: object) -> bytes:
    """Return a value in CBOR (RFC 8949)."""

    def head(major: int, size: int) -> bytes:
        if size < 24:
            return bytes([major << 5 | size])
        return (
            bytes([major << 5 | 25]) + struct.pack(">H", size)
            if size < 65536
            else bytes([major << 5 | 26]) + struct.pack(">I", size)
        )

    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    assert isinstance(value, dict)
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def bson(value: dict[str, object]) -> bytes:
    """Return a document in BSON."""
    out = b""
    for name, part in value.items():
        key = name.encode() + b"\0"
        if isinstance(part, bool):
            out += b"\x08" + key + bytes([part])
        elif isinstance(part, int):
            out += b"\x10" + key + struct.pack("<i", part)
        elif isinstance(part, float):
            out += b"\x01" + key + struct.pack("<d", part)
        elif isinstance(part, list):
            out += b"\x04" + key + bson({str(i): entry for i, entry in enumerate(part)})
        else:
            text = str(part).encode() + b"\0"
            out += b"\x02" + key + struct.pack("<i", len(text)) + text
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def asn1(rng: Random, number: int) -> bytes:
    """Return a record in BER."""

    def tlv(tag: int, data: bytes) -> bytes:
        size = bytes([len(data)]) if len(data) < 128 else b"\x82" + struct.pack(">H", len(data))
        return bytes([tag]) + size + data

    item = record(rng, number)
    fields = [tlv(2, struct.pack(">I", 10_000 + number)), *(tlv(12, str(v).encode()) for v in item.values())]
    return tlv(0x30, b"".join(fields))


def fixed_row(rng: Random, number: int) -> bytes:
    """Return a row of fixed layout, names padded with zeros."""
    return struct.pack(
        "<IIdd24sH",
        number,
        1_760_000_000 + number,
        rng.gauss(20, 3),
        rng.gauss(0, 1),
        words(rng, 1).encode()[:24],
        rng.randint(0, 5),
    )


def delta_row(rng: Random, number: int) -> bytes:
    """Return 32 varint-coded differences of a slow walk."""
    return b"".join(varint(abs(round(rng.gauss(0, 40)))) for _ in range(32))


def player_state(rng: Random, number: int) -> bytes:
    """Return a game's state: quantised positions and angles of a few players that move smoothly."""
    out = struct.pack("<IHB", 77_000 + number, number & 0xFFFF, 6)
    for player in range(6):
        angle = number / (20 + player) + player
        out += struct.pack(
            "<BhhhHB",
            player,
            round(3000 * math.cos(angle)),
            round(3000 * math.sin(angle)),
            120 + number % 7,
            round(angle * 9000) & 0xFFFF,
            rng.randint(80, 100),
        )
    return out


def float_rows(rng: Random, number: int) -> bytes:
    """Return 40 samples of sensors as 32-bit floats."""
    return struct.pack(
        "<I40f", number, *(math.sin((number * 40 + i) / 50) * 10 + rng.gauss(0, 0.05) for i in range(40))
    )


def pcm(rng: Random, number: int) -> bytes:
    """Return 160 samples of 16-bit sound."""
    return struct.pack(
        "<160h", *(round(6000 * math.sin((number * 160 + i) / 9) + rng.gauss(0, 300)) for i in range(160))
    )


def ulaw_like(rng: Random, number: int) -> bytes:
    """Return 160 samples of eight-bit sound behind a 4-byte sequence number."""
    return struct.pack(">I", number) + bytes(
        128 + round(60 * math.sin((number * 160 + i) / 11) + rng.gauss(0, 9)) & 255 for i in range(160)
    )


def bus_frame(rng: Random, number: int) -> bytes:
    """Return a frame of a field bus: identifier, length, eight bytes that change little."""
    return struct.pack(
        ">IB8s", 0x180 + number % 5, 8, struct.pack(">HHI", 500 + number % 90, rng.randint(0, 9), number)
    )


def xml_line(rng: Random, number: int) -> bytes:
    """Return a record in XML."""
    return b"<row>" + "".join(f"<{k}>{v}</{k}>" for k, v in record(rng, number).items()).encode() + b"</row>\n"


def json_line(rng: Random, number: int) -> bytes:
    """Return a record in JSON."""
    return json.dumps(record(rng, number)).encode() + b"\n"


def jsons(rng: Random, number: int) -> bytes:
    """Return twenty records in JSON, what is compressed at a time."""
    return b"".join(json_line(rng, number * 20 + i) for i in range(20))
