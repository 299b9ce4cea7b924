"""Benign shapes III: wire formats, columns, compressed blocks, telemetry and text, written without looking at what the
classifier does with them. What pyarrow, zstandard, git's object format or an X.509 library can make is really made.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from random import Random

import pyarrow
import zstandard

from .benign_records import _stream as stream
from .encoders import asn1, cbor, json_line, jsons, msgpack, record, varint, words
from .mimicry_shapes import source_text
from .sessions import Session, shape

Make = Callable[[Random, int], bytes]


def _u32(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


# --- wire formats ---


def _avro_row(rng: Random, number: int) -> bytes:
    name = words(rng, 2).encode()
    return (
        _zigzag(number)
        + _zigzag(len(name))
        + name
        + struct.pack("<d", rng.gauss(0, 3))
        + _zigzag(rng.randint(-900, 900))
    )


def _avro_block(rng: Random, number: int) -> bytes:
    rows = b"".join(_avro_row(rng, number * 30 + i) for i in range(30))
    return _zigzag(30) + _zigzag(len(rows)) + rows + hashlib.md5(b"schema", usedforsecurity=False).digest()


def _thrift_compact(rng: Random, number: int) -> bytes:
    name = words(rng, 3).encode()
    body = b"\x82\x21" + varint(number) + b"\x04rows" + b"\x15" + _zigzag(number) + b"\x18" + varint(len(name)) + name
    body += b"\x17" + struct.pack("<d", rng.random()) + b"\x16" + _zigzag(1_760_000_000 + number * 7) + b"\0"
    return struct.pack(">I", len(body)) + body


def _xdr(rng: Random, number: int) -> bytes:
    name = words(rng, 2).encode()
    body = struct.pack(">IIId", number, 2, rng.randint(0, 7), rng.gauss(0, 9)) + struct.pack(">I", len(name)) + name
    body += bytes(-len(body) % 4)
    return struct.pack(">I", 0x80000000 | len(body)) + body


def _flat_table(rng: Random, number: int) -> bytes:
    text = words(rng, 2).encode()
    body = struct.pack("<IHHHHiIfI", 16, 12, 16, 4, 8, 12, number, rng.random(), len(text)) + text + b"\0"
    return _u32(body + bytes(-len(body) % 4))


def _hash_record(rng: Random, number: int) -> bytes:
    digest = hashlib.sha256(b"%d" % rng.getrandbits(60)).digest()
    return (
        struct.pack("<IIQ", number, 1, 50_000 + rng.randint(0, 9999)) + digest + words(rng, 6).encode().ljust(48, b"\0")
    )


def _uuid_row(rng: Random, number: int) -> bytes:
    return (
        rng.randbytes(16)
        + struct.pack(">QIH", 1_760_000_000_000 + 13 * number, rng.randint(1, 500), 3)
        + words(rng, 4).encode()
        + b"\n"
    )


def _flow_records(rng: Random, number: int) -> bytes:
    rows = b"".join(
        struct.pack(">4s4sIHHIIIIHHxBBBHHBBxx", rng.randbytes(4), b"\x0a\0\0" + bytes([rng.randrange(20)]), 0, 2, 3,
                    rng.randint(1, 40), rng.randint(60, 40_000), 900_000 + number * 60, 900_300 + number * 60,
                    rng.randint(1024, 65535), rng.choice((80, 443, 53)), 24, 6, 0, 0, 0, 24, 24)
        for _ in range(24)
    )  # fmt: skip
    return struct.pack(">HHIIIIBBH", 5, 24, 900_000 + number, 1_760_000_000 + number, 0, number * 24, 0, 0, 0) + rows


stream("avro-blocks", "wires", _avro_block)
stream("thrift-compact", "wires", _thrift_compact)
stream("xdr-records", "wires", _xdr)
stream("flat-tables", "wires", _flat_table)
stream("records-with-hashes", "wires", _hash_record)
stream("uuid-rows", "wires", _uuid_row)
stream("flow-records-udp", "wires", _flow_records, "udp")
stream("ber-datagrams", "wires", asn1, "udp")
stream(
    "msgpack-u16", "wires", lambda r, n: (lambda d: struct.pack(">H", len(d)) + d)(msgpack({"k": n, "v": record(r, n)}))
)
stream("cbor-sequences-u32", "wires", lambda r, n: _u32(cbor([record(r, n), record(r, n + 1)])))

# --- columns and compressed blocks ---


def _table(rng: Random, number: int, rows: int = 300) -> pyarrow.Table:
    values = [record(rng, number * rows + i) for i in range(rows)]
    return pyarrow.Table.from_pylist(values)


def _ipc(compression: str | None) -> Make:
    def make(rng: Random, number: int) -> bytes:
        sink = pyarrow.BufferOutputStream()
        table = _table(rng, number)
        options = pyarrow.ipc.IpcWriteOptions(compression=compression)
        with pyarrow.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())

    return make


def _block(codec: str, header: Callable[[int, bytes, bytes], bytes], make: Make = jsons) -> Make:
    def block(rng: Random, number: int) -> bytes:
        plain = make(rng, number)
        packed = pyarrow.compress(plain, codec, asbytes=True)
        return header(number, plain, packed) + packed

    return block


def _native_block(rng: Random, number: int) -> bytes:
    plain = b"".join(
        struct.pack("<QId", 1_760_000_000 + number * 200 + i, rng.randint(0, 9), rng.gauss(5, 1)) for i in range(200)
    )
    packed = pyarrow.compress(plain, "lz4_raw", asbytes=True)
    return (
        hashlib.md5(packed, usedforsecurity=False).digest()
        + b"\x82"
        + struct.pack("<II", len(packed) + 9, len(plain))
        + packed
    )


stream("arrow-stream", "columns", _ipc(None))
stream("arrow-stream-lz4", "columns", _ipc("lz4"))
stream("arrow-stream-zstd", "columns", _ipc("zstd"))
stream("snappy-block-crc", "blocks", _block("snappy", lambda n, p, z: struct.pack("<II", len(z), zlib.crc32(z))))
stream(
    "snappy-opcode-header",
    "blocks",
    _block("snappy", lambda n, p, z: struct.pack("<iiiiiiB", len(z) + 25, n, 0, 2012, 2013, len(p), 1)),
)
stream("lz4-raw-two-sizes", "blocks", _block("lz4_raw", lambda n, p, z: struct.pack("<II", len(p), len(z))))
stream("lz4-frame-u32", "blocks", _block("lz4", lambda n, p, z: struct.pack(">I", len(z))))
stream("brotli-u32", "blocks", _block("brotli", lambda n, p, z: struct.pack(">I", len(z))))
stream(
    "zstd-offset-crc",
    "blocks",
    _block("zstd", lambda n, p, z: struct.pack(">QIIB", n * 30, len(z) + 9, zlib.crc32(z), 4)),
)
stream(
    "gzip-batch-offset",
    "blocks",
    _block("gzip", lambda n, p, z: struct.pack(">QiiBiHi", n * 30, len(z), 0, 2, 77, 1, 29)),
)
stream("native-lz4-checksum", "blocks", _native_block)
stream(
    "zlib-length3-sequence",
    "blocks",
    lambda r, n: (lambda z, size: len(z).to_bytes(3, "little") + bytes([n & 255]) + size.to_bytes(3, "little") + z)(
        zlib.compress(jsons(r, n)), len(jsons(r, n))
    ),
)
stream(
    "deflate-small-u16",
    "blocks",
    lambda r, n: (lambda z: struct.pack(">H", len(z)) + z)(zlib.compress(json_line(r, n) * 2, wbits=-15)),
)


@shape("blocks", covert=False)
def zstd_flushed(rng: Random) -> Session:
    """One zstd stream over the session, a block after each message, each behind its length."""
    squeeze, session = (
        zstandard.ZstdCompressor(level=rng.choice((1, 3, 9))).compressobj(),
        Session().client(b"SUB prices\n"),
    )
    for number in range(rng.randint(5, 40)):
        data = squeeze.compress(jsons(rng, number)) + squeeze.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        session.server(struct.pack("<I", len(data)) + data)
    return session


@shape("blocks", covert=False)
def git_pack(rng: Random) -> Session:
    """A pack of git's objects: type and size in a varint, zlib, no length."""
    data = b"PACK" + struct.pack(">II", 2, 60)
    for _ in range(60):
        text = source_text(rng, rng.randint(200, 4000))
        size, kind = len(text), rng.choice((1, 2, 3))
        data += bytes([(kind << 4) | (size & 15) | 0x80]) + varint(size >> 4) + zlib.compress(text)
    return Session().client(b"want all\n").server(struct.pack(">I", len(data)) + data)
