"""Benign shapes X: what databases, stores and loggers send in messages; blind."""

from __future__ import annotations

import gzip
import json
import struct
import uuid
import zlib
from collections.abc import Callable
from random import Random

import brotli
import pyarrow
import zstandard
from google.protobuf import struct_pb2

from .encoders import json_line, msgpack, record, varint, words
from .mimicry_shapes import source_text
from .sessions import Session, Transport, add_shape, log_uniform
from .third_wires import zigzag

Make = Callable[[Random, int], bytes]


def add(
    name: str, make: Make, transport: Transport = "tcp", *, asked: bytes = b"", up: bool = False, most: int = 50_000
) -> None:
    """One message a write, or five."""

    def session(rng: Random) -> Session:
        total, batch = log_uniform(rng, 5000, most), rng.choice((1, 1, 5)) if transport == "tcp" else 1
        talk, number = Session(transport).client(asked), rng.randrange(500)
        say = talk.client if up else talk.server
        while talk.size < total:
            write = b"".join(make(rng, number + i) for i in range(batch))
            say(write if transport == "tcp" else write[:1300])
            number += batch
        return talk

    add_shape(f"fourth-{name}", "fourth wires", False, session)


def u32(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def several(make: Make, count: int) -> Make:
    return lambda rng, number: b"".join(make(rng, number * count + i) for i in range(count))


def packed(codec: str, data: bytes) -> bytes:
    return bytes(pyarrow.Codec(codec).compress(data, asbytes=True))


# --- databases and stores ---


def _row(rng: Random, number: int) -> bytes:
    """A row in binary: numbers, an identifier, text, a time."""
    item = record(rng, number)
    cells = [
        struct.pack(">q", 10_000 + number),
        uuid.UUID(int=rng.getrandbits(128), version=4).bytes,
        str(item["name"]).encode(),
        struct.pack(">d", item["price"]),
        struct.pack(">q", 700_000_000_000_000 + number * 1_000_003),
        str(item["note"]).encode(),
    ]
    body = struct.pack(">H", len(cells)) + b"".join(struct.pack(">i", len(cell)) + cell for cell in cells)
    return b"D" + struct.pack(">I", len(body) + 4) + body


def _compressed_packet(rng: Random, number: int) -> bytes:
    plain = b"".join(json_line(rng, number * 9 + i) for i in range(9))
    data = zlib.compress(plain)
    return struct.pack("<I", len(data))[:3] + bytes([number & 255]) + struct.pack("<I", len(plain))[:3] + data


def _bulk(code: Callable[[bytes], bytes]) -> Make:
    def make(rng: Random, number: int) -> bytes:
        data = code(b"".join(json_line(rng, number * 8 + i) for i in range(8)))
        return b"$%d\r\n" % len(data) + data + b"\r\n"

    return make


def _values(rng: Random, number: int) -> bytes:
    data = packed("snappy", b"".join(json_line(rng, number * 6 + i) for i in range(6)))
    return b"VALUE user:%d 2 %d\r\n" % (number, len(data)) + data + b"\r\n"


add("rows-binary", _row, asked=b"Q\0\0\0\x15select * from t;\0")
add("packets-compressed", _compressed_packet)
add("bulk-zlib", _bulk(zlib.compress), asked=b"*1\r\n$4\r\nSCAN\r\n")
add("bulk-lz4", _bulk(lambda d: struct.pack("<I", len(d)) + packed("lz4_raw", d)))
add("bulk-zstd", _bulk(lambda d: zstandard.compress(d, 3)))
add("bulk-msgpack", _bulk(lambda d: msgpack([json.loads(line) for line in d.splitlines()])))
add("values-snappy", _values, asked=b"gets user:1 user:2\r\n")

# --- records in the encodings of libraries ---


def _protobuf(rng: Random, number: int) -> bytes:
    message = struct_pb2.Struct()
    message.update({k: v for k, v in record(rng, number).items() if k != "tags"})
    data = message.SerializeToString()
    return varint(len(data)) + data


def _avro(rng: Random, number: int) -> bytes:
    """Records without names, as a registry's clients send them: schema number, zigzag, text, doubles."""
    item, out = record(rng, number), b"\0" + struct.pack(">I", 17)
    for value in item.values():
        if isinstance(value, float):
            out += struct.pack("<d", value)
        elif isinstance(value, int):
            out += zigzag(value)
        else:
            text = str(value).encode()
            out += zigzag(len(text)) + text
    return u32(out)


def _word_packed(data: bytes) -> bytes:
    """Words of eight bytes without their zeros, behind a byte that says where they were."""
    out = bytearray()
    for at in range(0, len(data) // 8 * 8, 8):
        word = data[at : at + 8]
        out.append(sum(1 << i for i, byte in enumerate(word) if byte))
        out += word.replace(b"\0", b"")
    return bytes(out)


def _offsets(rng: Random, number: int) -> bytes:
    """A table of offsets, then its values, aligned."""
    item = record(rng, number)
    text = str(item["note"]).encode()
    body = struct.pack("<6Hi d", 16, 24, 4, 8, 12, 16, -16, float(str(item["price"])))
    return struct.pack("<II", len(body) + len(text) + 8, 16) + body + struct.pack("<I", len(text)) + text + b"\0" * (
        -len(text) % 4
    )  # fmt: skip


def _rlp(rng: Random, number: int) -> bytes:
    """A list of numbers, addresses of 20 bytes of which few are used, and text."""
    parts = [number.to_bytes(4, "big").lstrip(b"\0") or b"\0", Random(rng.randrange(9)).randbytes(20)]
    parts += [rng.randrange(10**9).to_bytes(8, "big").lstrip(b"\0"), words(rng, 4).encode()[:50]]
    body = b"".join(bytes([0x80 + len(part)]) + part for part in parts)
    return b"\xf8" + bytes([len(body)]) + body if len(body) > 55 else bytes([0xC0 + len(body)]) + body


add("protobuf-library", _protobuf)
add("avro-registry", _avro, up=True)
add("words-packed", lambda rng, n: u32(_word_packed(several(_offsets, 6)(rng, n))))
add("offset-tables", _offsets)
add("lists-of-lists", several(_rlp, 5))

# --- records compressed one by one ---

_BIG = several(json_line, 14)
_DICTIONARY = zstandard.train_dictionary(8192, [json_line(Random(i), i) for i in range(600)])


def _syslog(rng: Random, number: int) -> bytes:
    return b"".join(
        b"<134>1 2026-11-29T20:%02d:%02dZ web-%d app %d - - %s\n" % (
            number % 60, i, rng.randrange(4), 700 + i, words(rng, 12).encode()
        )
        for i in range(20)
    )  # fmt: skip


def _without_mark(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(
            compression_level=3, format=zstandard.FORMAT_ZSTD1_MAGICLESS
        )
    ).compress(data)


add("logs-gzip-udp", lambda rng, n: gzip.compress(_syslog(rng, n)), "udp", up=True)
add("logs-zlib-u32", lambda rng, n: u32(zlib.compress(_syslog(rng, n))), up=True)
add("logs-zstd-framed", lambda rng, n: b"\x02W" + u32(zstandard.compress(_syslog(rng, n), 3)), up=True)
add("records-zstd-trained", lambda rng, n: u32(
    zstandard.ZstdCompressor(level=5, dict_data=_DICTIONARY).compress(_BIG(rng, n))
))  # fmt: skip
add("records-zstd-no-mark", lambda rng, n: u32(_without_mark(_BIG(rng, n))))
add("records-brotli-u16", lambda rng, n: (lambda d: struct.pack("<HB", len(d), 1) + d)(
    brotli.compress(_BIG(rng, n), quality=6)
))  # fmt: skip
add("pages-brotli", lambda rng, n: u32(brotli.compress(source_text(rng, 12_000), quality=5)))
add("records-lz4-blocks", lambda rng, n: (lambda p: struct.pack("<II", len(p), n) + p)(packed("lz4_raw", _BIG(rng, n))))
add("records-snappy-typed", lambda rng, n: (lambda p: b"\x01" + struct.pack("<I", len(p))[:3] + p)(
    packed("snappy", _BIG(rng, n))
))  # fmt: skip


def _tokens(rng: Random, number: int) -> bytes:
    """Literals of a file in raw Deflate behind two bytes of length, and places of blocks."""
    coder = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = coder.compress(source_text(rng, 6000)) + coder.flush(zlib.Z_SYNC_FLUSH)[:-4]
    return bytes([0x40 | len(data) >> 8 & 0x3F, len(data) & 255]) + data + bytes([0x80 | number & 63])


add("literals-deflate", _tokens)
