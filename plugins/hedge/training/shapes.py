"""Messages of one direction as programs send them: framings, message sizes, and what is in them.

A shape is a list of messages and of the payloads that carry them. Ciphertext and benign content go through the same
framings with the same sizes, so that nothing but the content tells them apart.
"""

# ruff: noqa: S311 - seeds must repeat

from __future__ import annotations

import json
import random
import struct
import uuid
import zlib
from collections.abc import Callable, Iterator
from math import exp, log

Field = Callable[[int, int, int], bytes]
"""(index of the message, size of its body, size of what stands before) -> the field's bytes."""


def sizes(rng: random.Random) -> Iterator[int]:
    """Sizes of messages, without end: one habit a flow."""
    kind = rng.choice(("tiny", "small", "small", "medium", "medium", "large", "chunk", "same", "mixed", "stair"))
    same = int(exp(rng.uniform(log(8), log(1400))))
    stairs = [int(exp(rng.uniform(log(8), log(1400)))) for _ in range(rng.randint(2, 5))]
    while True:
        if kind == "tiny":
            yield rng.randint(1, 16)
        elif kind == "small":
            yield rng.randint(8, 64)
        elif kind == "medium":
            yield rng.randint(40, 600)
        elif kind == "large":
            yield rng.randint(500, 1400)
        elif kind == "chunk":
            yield rng.choice((1024, 2048, 4096, 8192, 16384, rng.randint(1000, 16384)))
        elif kind == "same":
            yield same
        elif kind == "stair":
            yield rng.choice(stairs)
        else:
            yield rng.choice((rng.randint(1, 32), rng.randint(33, 300), rng.randint(300, 1400), 1400))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _length(rng: random.Random) -> Field:
    width, order, extra = (
        rng.choice((1, 2, 2, 3, 4, 4, 8, 0)),
        rng.choice(("big", "little")),
        rng.choice((0, 0, 0, 1, 2, 4, 8)),
    )
    if width == 0:
        return lambda index, size, before: _varint(size + extra)
    return lambda index, size, before: ((size + extra) % (1 << 8 * width)).to_bytes(width, order)


def _counter(rng: random.Random) -> Field:
    width, order = rng.choice((1, 2, 2, 4, 4, 8)), rng.choice(("big", "little"))
    start, step = rng.choice((0, 1, rng.getrandbits(8 * width))), rng.choice((1, 1, 1, 2, 160, 960, 3000))
    return lambda index, size, before: ((start + index * step) % (1 << 8 * width)).to_bytes(width, order)


def _time(rng: random.Random) -> Field:
    start, step = rng.getrandbits(40), rng.randint(1, 5000)
    jitter = random.Random(rng.random())
    width = rng.choice((4, 8))
    return lambda index, size, before: ((start + index * step + jitter.randrange(step)) % (1 << 8 * width)).to_bytes(
        width, "big"
    )


def _type(rng: random.Random) -> Field:
    values = [rng.randrange(256) if rng.random() < 0.3 else rng.randrange(16) for _ in range(rng.randint(2, 7))]
    draw = random.Random(rng.random())
    return lambda index, size, before: bytes((draw.choice(values),))


def _constant(rng: random.Random) -> Field:
    value = rng.choice(
        (
            rng.randbytes(rng.randint(1, 8)),
            bytes(rng.randint(1, 4)),
            rng.randbytes(4),
            b"\x17\x03\x03",
            rng.randbytes(16),
        )
    )
    return lambda index, size, before: value


def _nonce(rng: random.Random) -> Field:
    draw, width = random.Random(rng.random()), rng.choice((2, 4, 8, 12, 16))
    return lambda index, size, before: draw.randbytes(width)


def _flags(rng: random.Random) -> Field:
    draw = random.Random(rng.random())
    return lambda index, size, before: bytes((draw.choice((0, 0, 0, 1, 2, 4, 8, 16)) | draw.choice((0, 0x80)),))


FIELDS = (_length, _length, _counter, _counter, _type, _constant, _constant, _time, _flags)


def framing(rng: random.Random, *, secret: bool) -> Callable[[int, bytes], bytes]:
    """A way to frame messages: a header of none to five fields, perhaps a trailer; `secret` ones may have nonces and
    padding."""
    count = rng.choice((0, 0, 1, 1, 2, 2, 3, 4, 5))
    fields = [rng.choice(FIELDS)(rng) for _ in range(count)]
    if secret and rng.random() < 0.2:
        fields.append(_nonce(rng))
    tail = rng.choice((0, 0, 0, 0, 0, 1, 2, 3)) if count else 0
    mark, block = rng.randbytes(rng.randint(1, 4)), rng.choice((16, 64, 256, 512))

    def frame(index: int, body: bytes) -> bytes:
        head = b""
        for field in fields:
            head += field(index, len(body), len(head))
        if tail == 1:
            body += mark
        elif tail == 2:
            body += bytes(-len(body) % block)
        elif tail == 3:
            pad = block - len(body) % block
            body += bytes((pad & 255,)) * pad
        return head + body

    return frame


# --- bodies -----------------------------------------------------------------------------------------------------------


def cipher(rng: random.Random) -> Iterator[bytes]:
    """Bodies of ciphertext; those of block ciphers are whole blocks."""
    block = rng.choice((1, 1, 1, 8, 16))
    for size in sizes(rng):
        yield rng.randbytes(-(-size // block) * block)


def pieces(data: bytes, rng: random.Random) -> Iterator[bytes]:
    """A file, cut into bodies."""
    place = 0
    for size in sizes(rng):
        body = data[place : place + size]
        if not body:
            return
        yield body
        place += size


def _words(rng: random.Random, text: bytes, least: int, most: int) -> bytes:
    place, size = rng.randrange(max(len(text) - most, 1)), rng.randint(least, most)
    return text[place : place + size]


def records(rng: random.Random, text: bytes) -> Iterator[bytes]:
    """Records of a structured format: protobuf, MessagePack, CBOR, BSON, packed structs, JSON."""
    kind = rng.choice(("protobuf", "msgpack", "cbor", "bson", "struct", "struct", "rows", "game", "sensor", "ids"))
    makers: dict[str, Callable[[], bytes]] = {
        "protobuf": _protobuf(rng, text), "msgpack": _msgpack(rng, text), "cbor": _msgpack(rng, text, cbor=True),
        "bson": _bson(rng, text), "struct": _struct(rng), "rows": _rows(rng, text), "game": _game(rng),
        "sensor": _sensor(rng), "ids": _ids(rng, text),
    }  # fmt: skip
    make = makers[kind]
    many = rng.choice((1, 1, 1, 2, 5, 20))
    while True:
        yield b"".join(make() for _ in range(rng.randint(1, many)))


def _protobuf(rng: random.Random, text: bytes) -> Callable[[], bytes]:
    layout = [
        (number, rng.choice(("int", "int", "text", "text", "fixed64", "double", "bytes", "nested")))
        for number in range(1, rng.randint(3, 12))
    ]

    def value(kind: str) -> bytes:
        if kind == "int":
            return _varint(
                rng.choice(
                    (rng.randrange(2), rng.randrange(300), rng.getrandbits(31), 1_600_000_000_000 + rng.getrandbits(34))
                )
            )
        if kind == "fixed64":
            return rng.choice((rng.randbytes(8), struct.pack("<Q", rng.getrandbits(40))))
        if kind == "double":
            return struct.pack("<d", rng.gauss(0, 100))
        if kind == "bytes":
            body = rng.randbytes(rng.choice((4, 16, 20, 32)))
        elif kind == "nested":
            body = b"".join(_varint(n << 3) + _varint(rng.randrange(5000)) for n in range(1, 4))
        else:
            body = _words(rng, text, 0, 40)
        return _varint(len(body)) + body

    wire = {"int": 0, "fixed64": 1, "double": 1, "text": 2, "bytes": 2, "nested": 2}
    return lambda: b"".join(_varint(n << 3 | wire[k]) + value(k) for n, k in layout if rng.random() < 0.85)


def _name(rng: random.Random, text: bytes) -> bytes:
    return bytes(b for b in _words(rng, text, 3, 14) if 97 <= b <= 122 or b == 95)[:31] or b"id"


def _msgpack(rng: random.Random, text: bytes, *, cbor: bool = False) -> Callable[[], bytes]:
    names = [_name(rng, text) for _ in range(rng.randint(2, 9))]
    kinds = [rng.choice(("small", "u32", "float", "text", "bin", "bool", "time")) for _ in names]

    def head(size: int) -> bytes:
        if cbor:
            return bytes((0x60 | size,)) if size < 24 else bytes((0x78, size))
        return bytes((0xA0 | size,)) if size < 32 else bytes((0xD9, size))

    def value(kind: str) -> bytes:
        if kind == "small":
            return bytes((rng.randrange(24 if cbor else 128),))
        if kind == "u32":
            return (b"\x1a" if cbor else b"\xce") + struct.pack(">I", rng.getrandbits(rng.choice((10, 20, 32))))
        if kind == "float":
            return (b"\xfb" if cbor else b"\xcb") + struct.pack(">d", rng.gauss(0, 50))
        if kind == "bool":
            return rng.choice((b"\xf4", b"\xf5") if cbor else (b"\xc2", b"\xc3"))
        if kind == "time":
            return (b"\x1b" if cbor else b"\xcf") + struct.pack(">Q", 1_600_000_000_000 + rng.getrandbits(32))
        if kind == "bin":
            body = rng.randbytes(rng.choice((8, 16, 20)))
            return (bytes((0x40 | len(body),)) if cbor else bytes((0xC4, len(body)))) + body
        body = _words(rng, text, 0, 60)
        return head(len(body)) + body

    start = bytes(((0xA0 if cbor else 0x80) | len(names),))
    return lambda: start + b"".join(head(len(n)) + n + value(k) for n, k in zip(names, kinds, strict=True))


def _bson(rng: random.Random, text: bytes) -> Callable[[], bytes]:
    names = [_name(rng, text) for _ in range(rng.randint(2, 8))]
    kinds = [rng.choice((1, 2, 2, 7, 8, 9, 16, 18)) for _ in names]

    def value(kind: int) -> bytes:
        if kind == 1:
            return struct.pack("<d", rng.gauss(0, 50))
        if kind == 2:
            body = _words(rng, text, 0, 40) + b"\0"
            return struct.pack("<i", len(body)) + body
        if kind == 7:
            return struct.pack(">I", 1_600_000_000 + rng.getrandbits(20)) + rng.randbytes(8)
        if kind == 8:
            return bytes((rng.randrange(2),))
        return (
            struct.pack("<q", 1_600_000_000_000 + rng.getrandbits(30))
            if kind in (9, 18)
            else struct.pack("<i", rng.getrandbits(16))
        )

    def make() -> bytes:
        body = b"".join(bytes((k,)) + n + b"\0" + value(k) for n, k in zip(names, kinds, strict=True)) + b"\0"
        return struct.pack("<i", len(body) + 4) + body

    return make


def _struct(rng: random.Random) -> Callable[[], bytes]:
    order = rng.choice("<>")
    kinds = [rng.choice("BHIQfdhiI") for _ in range(rng.randint(2, 14))]
    scale = {k: rng.choice((4, 10, 16, 24)) for k in "BHIQhi"}
    hash_size = rng.choice((0, 0, 0, 4, 8, 16))

    def value(kind: str) -> float:
        if kind in "fd":
            return rng.gauss(0, 10 ** rng.randint(0, 4))
        bits = {"B": 8, "H": 16, "I": 32, "Q": 64, "h": 15, "i": 31}[kind]
        return rng.getrandbits(min(scale[kind], bits)) * (rng.choice((1, -1)) if kind in "hi" else 1)

    return lambda: struct.pack(order + "".join(kinds), *(value(k) for k in kinds)) + rng.randbytes(hash_size)


def _rows(rng: random.Random, text: bytes) -> Callable[[], bytes]:
    columns = [rng.choice(("int", "text", "float", "date")) for _ in range(rng.randint(2, 9))]
    wide = rng.random() < 0.5

    def make() -> bytes:
        out = struct.pack(">H", len(columns))
        for kind in columns:
            if kind == "int":
                body = struct.pack(">i", rng.getrandbits(20)) if wide else str(rng.getrandbits(20)).encode()
            elif kind == "float":
                body = struct.pack(">d", rng.gauss(0, 9)) if wide else f"{rng.gauss(0, 9):.4f}".encode()
            elif kind == "date":
                body = b"20%02d-%02d-%02d" % (rng.randrange(30), rng.randint(1, 12), rng.randint(1, 28))
            else:
                body = _words(rng, text, 0, 60)
            out += (struct.pack(">i", len(body)) if wide else bytes((len(body),))) + body
        return out

    return make


def _game(rng: random.Random) -> Callable[[], bytes]:
    players = [[rng.uniform(-500, 500) for _ in range(3)] for _ in range(rng.randint(1, 24))]
    packed = rng.random() < 0.5

    def make() -> bytes:
        out = bytes((len(players),))
        for number, place in enumerate(players):
            for axis in range(3):
                place[axis] += rng.gauss(0, 1)
            out += bytes((number, rng.randrange(4)))
            if packed:
                out += struct.pack(
                    "<3h2b",
                    *(int(max(min(v, 500), -500) * 60) for v in place),
                    rng.randint(-128, 127),
                    rng.randint(-30, 30),
                )
            else:
                out += struct.pack("<3f2f", *place, rng.uniform(-3.14, 3.14), rng.gauss(0, 0.2))
        return out

    return make


def _sensor(rng: random.Random) -> Callable[[], bytes]:
    from math import sin

    rate, noise, kind, number = (
        rng.uniform(0.01, 0.5),
        rng.choice((2, 20, 200)),
        rng.choice(("h", "h", "f", "u")),
        rng.choice((20, 80, 160, 320)),
    )
    place = [0.0]

    def make() -> bytes:
        out = []
        for _ in range(number):
            place[0] += rate
            out.append(3000 * sin(place[0]) + rng.gauss(0, noise))
        if kind == "h":
            return struct.pack(f"<{number}h", *map(int, out))
        if kind == "f":
            return struct.pack(f"<{number}f", *out)
        return bytes(_mulaw(int(v)) for v in out)

    return make


def _mulaw(sample: int) -> int:
    sign, value = (0x80, -sample) if sample < 0 else (0, sample)
    value = min(value, 32635) + 132
    exponent = max(value.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | value >> exponent + 3 & 15) & 255


def _ids(rng: random.Random, text: bytes) -> Callable[[], bytes]:
    size = rng.choice((8, 16, 20, 32))

    def make() -> bytes:
        number = rng.randint(1, 6)
        return bytes((number,)) + b"".join(
            rng.randbytes(size)
            + struct.pack(">IH", rng.getrandbits(16), rng.randrange(1000))
            + _words(rng, text, 4, 30)
            for _ in range(number)
        )

    return make


def packed_records(rng: random.Random, text: bytes) -> Iterator[bytes]:
    """Records that are compressed one by one, or flushed into one stream, with some codec."""
    import lz4.block
    import zstandard

    inner = records(rng, text) if rng.random() < 0.5 else documents(rng, text)
    kind = rng.choice(("zlib", "raw", "stream", "rawstream", "lz4", "zstd", "brotli", "snappy", "gzip", "bz2", "lzma"))
    stream = zlib.compressobj(6, zlib.DEFLATED, -15 if kind == "rawstream" else 15)
    batch = rng.choice((1, 1, 3, 10))
    while True:
        body = b"".join(next(inner) for _ in range(batch))
        if kind == "zlib":
            yield zlib.compress(body)
        elif kind == "gzip":
            import gzip

            yield gzip.compress(body)
        elif kind == "raw":
            coder = zlib.compressobj(6, zlib.DEFLATED, -15)
            yield coder.compress(body) + coder.flush()
        elif kind in ("stream", "rawstream"):
            out = stream.compress(body) + stream.flush(zlib.Z_SYNC_FLUSH)
            yield out[:-4] if rng.random() < 0.9 else out
        elif kind == "lz4":
            yield lz4.block.compress(body, store_size=False)
        elif kind == "zstd":
            yield zstandard.compress(body)
        elif kind == "bz2":
            import bz2

            yield bz2.compress(body)
        elif kind == "lzma":
            import lzma

            yield lzma.compress(body, lzma.FORMAT_ALONE)
        elif kind == "snappy":
            import snappy

            yield bytes(snappy.compress(body))
        else:
            import brotli

            yield brotli.compress(body, quality=4)


def documents(rng: random.Random, text: bytes) -> Iterator[bytes]:
    """JSON documents of one layout."""
    names = [_name(rng, text).decode() for _ in range(rng.randint(2, 10))]
    kinds = [rng.randrange(4) for _ in names]
    while True:
        made = {
            n: (
                rng.getrandbits(20),
                _words(rng, text, 5, 80).decode("latin1"),
                round(rng.gauss(0, 9), 3),
                str(uuid.UUID(int=rng.getrandbits(128))),
            )[k]
            for n, k in zip(names, kinds, strict=True)
        }
        yield json.dumps(made).encode()


# --- transport --------------------------------------------------------------------------------------------------------


def payloads(messages: Iterator[bytes], rng: random.Random, limit: int) -> list[bytes]:
    """Carry messages: one a payload (datagrams, small writes), or a stream that is cut at 1448 bytes, written in
    batches."""
    batched = rng.random() < 0.35
    segment = rng.choice((1448, 1448, 1400, 1368, 536, 1220))
    out: list[bytes] = []
    total, pending = 0, b""
    for message in messages:
        total += len(message)
        if batched:
            pending += message
            if len(pending) < rng.choice((1, 2000, 8000)) and total < limit:
                continue
            message, pending = pending, b""
        out += [message[at : at + segment] for at in range(0, len(message), segment)] or []
        if total >= limit or len(out) > 3000 or not total:
            break
    return out


def framed(bodies: Iterator[bytes], rng: random.Random, limit: int, *, secret: bool = False) -> list[bytes]:
    """Payloads of one direction: bodies behind a framing, carried."""
    frame = framing(rng, secret=secret)
    return payloads((frame(index, body) for index, body in enumerate(bodies)), rng, limit)
