"""Benign shapes I: records, telemetry, databases, games, text, and compressed records with headers of their own."""

from __future__ import annotations

import base64
import bz2
import io
import lzma
import pickle
import plistlib
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import zstandard

from .encoders import (
    asn1,
    bson,
    bus_frame,
    cbor,
    delta_row,
    fixed_row,
    float_rows,
    json_line,
    jsons,
    msgpack,
    pcm,
    player_state,
    protobuf,
    record,
    ulaw_like,
    varint,
    words,
    xml_line,
)
from .mimicry_shapes import source_text
from .sessions import Session, Transport, add_shape, log_uniform, shape


def _u32(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _stream(
    name: str,
    family: str,
    make: Callable[[Random, int], bytes],
    transport: Transport = "tcp",
    total: tuple[int, int] = (3000, 60_000),
) -> None:
    """A stream of messages ``make(rng, number)``, up or down, with a short request at times."""

    def session(rng: Random) -> Session:
        talk, wanted = Session(transport), log_uniform(rng, *total)
        up = rng.random() < 0.5
        if not up:
            talk.client(b"SUBSCRIBE feed/7\n" if rng.random() < 0.5 else struct.pack(">HHI", 8, 1, 7))
        group = rng.choice((1, 1, 4)) if transport == "tcp" else 1
        number = 0
        while talk.size < wanted:
            data = b"".join(make(rng, number + i) for i in range(group))
            number += group
            (talk.client if up else talk.server)(data)
        return talk

    add_shape(name, family, False, session)


_stream("protobuf-delimited", "records", lambda r, n: (lambda d: varint(len(d)) + d)(protobuf(r, n)))
_stream("protobuf-u32", "records", lambda r, n: _u32(protobuf(r, n)))
_stream("protobuf-datagrams", "records", protobuf, "udp")
_stream("grpc-like-prefix", "records", lambda r, n: b"\0" + _u32(protobuf(r, n)))
_stream("msgpack", "records", lambda r, n: msgpack(record(r, n)))
_stream("msgpack-rpc", "records", lambda r, n: msgpack([0, n, "put", [record(r, n)]]))
_stream("cbor", "records", lambda r, n: cbor(record(r, n)))
_stream("cbor-datagrams", "records", lambda r, n: cbor(record(r, n)), "udp")
_stream("bson", "records", lambda r, n: bson(record(r, n)))
_stream("asn1", "records", asn1)
_stream("pickle", "records", lambda r, n: _u32(pickle.dumps(record(r, n))))
_stream("plist-binary", "records", lambda r, n: _u32(plistlib.dumps(record(r, n), fmt=plistlib.FMT_BINARY)))
_stream("fixed-rows", "records", fixed_row)
_stream("delta-varints", "records", delta_row)
_stream("float-rows", "telemetry", float_rows)
_stream("float-datagrams", "telemetry", float_rows, "udp")
_stream("bus-frames", "telemetry", bus_frame)
_stream("bus-datagrams", "telemetry", bus_frame, "udp")
_stream("game-state-udp", "telemetry", player_state, "udp")
_stream("game-state-tcp", "telemetry", lambda r, n: struct.pack("<H", 67) + player_state(r, n))
_stream("pcm-16", "telemetry", pcm)
_stream("pcm-datagrams", "telemetry", lambda r, n: struct.pack(">I", n) + pcm(r, n), "udp")
_stream("sound-8-bit", "telemetry", ulaw_like, "udp")
_stream(
    "nmea",
    "text",
    lambda r, n: (
        b"$GPGGA,%06d.00,4807.%03d,N,01131.%03d,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n" % (n, n % 1000, r.randint(0, 999))
    ),
)
_stream("json-lines", "text", json_line)
_stream("xml", "text", xml_line)
_stream("csv", "text", lambda r, n: ",".join(map(str, record(r, n).values())).encode() + b"\n")
_stream(
    "log-lines",
    "text",
    lambda r, n: f"2026-01-02T03:04:{n % 60:02d} host app[{r.randint(1, 999)}]: {words(r, 9)}\n".encode(),
)
_stream("utf16-text", "text", lambda r, n: words(r, 20).encode("utf-16-le"))
_stream("base64-of-text", "text", lambda r, n: base64.encodebytes(jsons(r, n)))
_stream("hex-of-text", "text", lambda r, n: jsons(r, n)[:700].hex().encode() + b"\n")
_stream("base64-of-zlib", "text", lambda r, n: base64.b64encode(zlib.compress(jsons(r, n))) + b"\n")

# --- compressed records: a header of one's own, then a compressor's output ---

_zstd = zstandard.ZstdCompressor()
_stream("zlib-u32", "compressed records", lambda r, n: _u32(zlib.compress(jsons(r, n))))
_stream("zlib-varint", "compressed records", lambda r, n: (lambda d: varint(len(d)) + d)(zlib.compress(jsons(r, n))))
_stream(
    "zlib-type-two-lengths",
    "compressed records",
    lambda r, n: (lambda p: (lambda d: struct.pack("<BII", 3, len(d), len(p)) + d)(zlib.compress(p)))(jsons(r, n)),
)
_stream("gzip-u32", "compressed records", lambda r, n: _u32(zlib.compress(jsons(r, n), wbits=31)))
_stream("deflate-u32", "compressed records", lambda r, n: _u32(zlib.compress(jsons(r, n), wbits=-15)))
_stream(
    "deflate-datagrams",
    "compressed records",
    lambda r, n: struct.pack(">I", n) + zlib.compress(json_line(r, n) * 2, wbits=-15),
    "udp",
)
_stream("bz2-u32", "compressed records", lambda r, n: _u32(bz2.compress(jsons(r, n))))
_stream("xz-u32", "compressed records", lambda r, n: _u32(lzma.compress(jsons(r, n))))
_stream("zstd-u32", "compressed records", lambda r, n: _u32(_zstd.compress(jsons(r, n))))
_stream(
    "zstd-magic-header",
    "compressed records",
    lambda r, n: b"BLK1" + struct.pack("<IIQ", n, 7, 1_760_000_000 + n) + _zstd.compress(jsons(r, n)),
)


@shape("compressed records", covert=False)
def zlib_sync_flush(rng: Random) -> Session:
    """One zlib stream over the whole session, flushed after each message."""
    squeeze, session = zlib.compressobj(), Session().client(b"COMPRESS on\n")
    for number in range(rng.randint(4, 30)):
        session.server(squeeze.compress(jsons(rng, number)) + squeeze.flush(zlib.Z_SYNC_FLUSH))
    return session


@cache
def _database() -> bytes:
    base = sqlite3.connect(":memory:")
    base.execute("create table items (id integer primary key, name text, time integer, price real, note text)")
    rng = Random(3)
    rows = [record(rng, n) for n in range(2000)]
    base.executemany("insert into items values (:id, :name, :time, :price, :note)", rows)
    base.execute("create index by_name on items (name)")
    return base.serialize()


@shape("records", covert=False)
def database_pages(rng: Random) -> Session:
    """Pages of a database from a random place, each behind its number."""
    data, session = _database(), Session().client(b"PAGES\n")
    first = rng.randrange(len(data) // 4096 - 14)
    for page in range(first, first + rng.randint(2, 12)):
        session.server(struct.pack(">I", page) + data[page * 4096 : page * 4096 + 4096])
    return session


def rows_of(columns: int, rng: Random) -> Iterator[bytes]:
    """Yield rows with a length before each field, as databases send them."""
    for number in range(10**9):
        fields = [str(value).encode() for value in record(rng, number).values()][:columns]
        body = struct.pack(">H", len(fields)) + b"".join(struct.pack(">i", len(f)) + f for f in fields)
        yield b"R" + struct.pack(">I", len(body) + 4) + body


@shape("records", covert=False)
def query_and_rows(rng: Random) -> Session:
    """A query in text, rows with lengths."""
    session, rows = Session().client(b"select * from items order by id\0"), rows_of(6, rng)
    wanted = log_uniform(rng, 3000, 60_000)
    while session.size < wanted:
        session.server(b"".join(next(rows) for _ in range(rng.randint(1, 20))))
    return session


@shape("text", covert=False)
def line_protocol(rng: Random) -> Session:
    """Commands up, answers down."""
    session = Session()
    for number in range(rng.randint(10, 120)):
        session.client(f"get {words(rng, 1)} {number}\r\n".encode()).server(f"+ok {words(rng, 6)}\r\n".encode())
    return session


@shape("text", covert=False)
def plain_source(rng: Random) -> Session:
    """Source text raw."""
    return Session().client(b"FETCH\n").server(source_text(rng, rng.randint(3000, 60_000)))


@shape("records", covert=False)
def numpy_like_integers(rng: Random) -> Session:
    """Sorted 64-bit integers, as an index sends them."""
    value, buffer = 0, io.BytesIO()
    for _ in range(rng.randint(500, 6000)):
        value += rng.randint(1, 4000)
        buffer.write(struct.pack("<Q", value))
    return Session().client(b"INDEX\n").server(buffer.getvalue())
