"""Benign shapes III: wire formats, columns, compressed blocks, telemetry and text, written without looking at what the
classifier does with them. What pyarrow, zstandard, git's object format or an X.509 library can make is really made.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import math
import random
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from random import Random

import numpy as np
import pyarrow
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .benign_records import _stream as stream
from .encoders import asn1, cbor, json_line, jsons, msgpack, record, varint, words
from .mimicry_shapes import source_text
from .sessions import Session, add_shape, shape

Make = Callable[[Random, int], bytes]


def _u32(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


# --- wire formats ---


def _avro_row(rng: Random, number: int) -> bytes:
    name = words(rng, 2).encode()
    return _zigzag(number) + _zigzag(len(name)) + name + struct.pack("<d", rng.gauss(0, 3)) + _zigzag(rng.randint(-900, 900))


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
    return struct.pack("<IIQ", number, 1, 50_000 + rng.randint(0, 9999)) + digest + words(rng, 6).encode().ljust(48, b"\0")


def _uuid_row(rng: Random, number: int) -> bytes:
    return rng.randbytes(16) + struct.pack(">QIH", 1_760_000_000_000 + 13 * number, rng.randint(1, 500), 3) + words(rng, 4).encode() + b"\n"


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
stream("msgpack-u16", "wires", lambda r, n: (lambda d: struct.pack(">H", len(d)) + d)(msgpack({"k": n, "v": record(r, n)})))
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
    plain = b"".join(struct.pack("<QId", 1_760_000_000 + number * 200 + i, rng.randint(0, 9), rng.gauss(5, 1)) for i in range(200))
    packed = pyarrow.compress(plain, "lz4_raw", asbytes=True)
    return hashlib.md5(packed, usedforsecurity=False).digest() + b"\x82" + struct.pack("<II", len(packed) + 9, len(plain)) + packed


stream("arrow-stream", "columns", _ipc(None))
stream("arrow-stream-lz4", "columns", _ipc("lz4"))
stream("arrow-stream-zstd", "columns", _ipc("zstd"))
stream("snappy-block-crc", "blocks", _block("snappy", lambda n, p, z: struct.pack("<II", len(z), zlib.crc32(z))))
stream("snappy-opcode-header", "blocks", _block("snappy", lambda n, p, z: struct.pack("<iiiiiiB", len(z) + 25, n, 0, 2012, 2013, len(p), 1)))
stream("lz4-raw-two-sizes", "blocks", _block("lz4_raw", lambda n, p, z: struct.pack("<II", len(p), len(z))))
stream("lz4-frame-u32", "blocks", _block("lz4", lambda n, p, z: struct.pack(">I", len(z))))
stream("brotli-u32", "blocks", _block("brotli", lambda n, p, z: struct.pack(">I", len(z))))
stream("zstd-offset-crc", "blocks", _block("zstd", lambda n, p, z: struct.pack(">QIIB", n * 30, len(z) + 9, zlib.crc32(z), 4)))
stream("gzip-batch-offset", "blocks", _block("gzip", lambda n, p, z: struct.pack(">QiiBiHi", n * 30, len(z), 0, 2, 77, 1, 29)))
stream("native-lz4-checksum", "blocks", _native_block)
stream("zlib-length3-sequence", "blocks", lambda r, n: (lambda z, size: len(z).to_bytes(3, "little") + bytes([n & 255]) + size.to_bytes(3, "little") + z)(
    zlib.compress(jsons(r, n)), len(jsons(r, n))))
stream("deflate-small-u16", "blocks", lambda r, n: (lambda z: struct.pack(">H", len(z)) + z)(zlib.compress(json_line(r, n) * 2, wbits=-15)))


@shape("blocks", covert=False)
def zstd_flushed(rng: Random) -> Session:
    """One zstd stream over the session, a block after each message, each behind its length."""
    squeeze, session = zstandard.ZstdCompressor(level=rng.choice((1, 3, 9))).compressobj(), Session().client(b"SUB prices\n")
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


# --- telemetry ---


def _mavlink(rng: Random, number: int) -> bytes:
    body = struct.pack("<Iffffff", number * 100, *(math.sin(number / 30 + i) + rng.gauss(0, 0.01) for i in range(6)))
    return b"\xfd" + bytes([len(body), 0, 0, number & 255, 1, 1, 30, 0, 0]) + body + struct.pack("<H", zlib.crc32(body) & 0xFFFF)


def _ubx(rng: Random, number: int) -> bytes:
    body = struct.pack("<IiiiiII", number * 200, 115_000_000 + number * 3, 480_000_000 + rng.randint(0, 90), 54_000, 50_000, 900, 1200)
    first = second = 0
    for byte in b"\x01\x02" + struct.pack("<H", len(body)) + body:
        first = (first + byte) & 255
        second = (second + first) & 255
    return b"\xb5\x62\x01\x02" + struct.pack("<H", len(body)) + body + bytes([first, second])


def _packed_12_bit(rng: Random, number: int) -> bytes:
    out = bytearray()
    for i in range(0, 256, 2):
        a, b = (2048 + round(900 * math.sin((number * 256 + i + k) / 40) + rng.gauss(0, 25)) & 4095 for k in (0, 1))
        out += bytes((a & 255, a >> 8 | (b & 15) << 4, b >> 4))
    return struct.pack(">I", number) + bytes(out)


def _numbers(kind: str, size: int, deviation: float = 1.0) -> Make:
    return lambda rng, n: np.random.default_rng(rng.getrandbits(32)).normal(0, deviation, size).astype(kind).tobytes()


def _points(rng: Random, number: int) -> bytes:
    return b"".join(struct.pack("<iiiHBBHd", round(90_000 * math.cos(a / 90)), round(90_000 * math.sin(a / 90)), rng.randint(-300, 300),
                                rng.randint(0, 4000), 9, 2, 17, number + a / 1e4) for a in range(number * 40, number * 40 + 40))  # fmt: skip


def _xor_floats(rng: Random, number: int) -> bytes:
    """Return 200 readings as Gorilla codes them: the bits in which each differs from the last."""
    bits, last = "", 0
    for i in range(200):
        value = struct.unpack(">Q", struct.pack(">d", round(20 + math.sin((number * 200 + i) / 60) + rng.gauss(0, 0.1), 1)))[0]
        change = value ^ last
        last = value
        if not change:
            bits += "0"
            continue
        lead = min(64 - change.bit_length(), 31)
        trail = (change & -change).bit_length() - 1
        bits += f"11{lead:05b}{64 - lead - trail - 1:06b}{change >> trail:0{64 - lead - trail}b}"
    return struct.pack(">IH", number, 200) + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _lidar(rng: Random, number: int) -> bytes:
    out = b""
    for block in range(12):
        out += b"\xff\xee" + struct.pack("<H", (number * 12 + block) * 40 % 36_000)
        out += b"".join(struct.pack("<HB", 2000 + 60 * beam + rng.randint(0, 40), rng.randint(5, 60)) for beam in range(32))
    return out + struct.pack("<IH", number * 1327, 0x2237)


stream("mavlink", "sensors", _mavlink, "udp")
stream("ubx", "sensors", _ubx)
stream("adc-12-bit-packed", "sensors", _packed_12_bit)
stream("imu-int16", "sensors", lambda r, n: struct.pack("<I", n) + struct.pack("<60h", *(round(r.gauss(0, 400)) for _ in range(60))), "udp")
stream("floats-normal-32", "sensors", _numbers("<f4", 300))
stream("floats-normal-64", "sensors", _numbers("<f8", 150))
stream("half-floats", "sensors", _numbers("<f2", 600, 0.05))
stream("int8-weights", "sensors", _numbers("i1", 1200, 22.0))
stream("point-cloud", "sensors", _points)
stream("xor-coded-floats", "sensors", _xor_floats)
stream("lidar-udp", "sensors", _lidar, "udp")
stream("zigzag-samples-u16", "sensors", lambda r, n: (lambda d: struct.pack(">H", len(d)) + d)(b"".join(_zigzag(round(r.gauss(0, 300))) for _ in range(200))))
stream("input-events", "sensors", lambda r, n: struct.pack("<QQHHi", 1_760_000_000, n * 8000 % 1_000_000, 2, r.randint(0, 1), r.randint(-9, 9)))

# --- text ---


def _letters(first: int, count: int) -> Callable[[Random], str]:
    """Return a maker of text in another script: words of letters as often as those of a language."""

    def make(rng: Random) -> str:
        weights = [1 / (rank + 2) for rank in range(count)]
        return " ".join("".join(map(chr, (first + i for i in rng.choices(range(count), weights, k=rng.randint(1, 8))))) for _ in range(30)) + "\n"

    return make


_cyrillic, _han, _kana = _letters(0x430, 32), _letters(0x4E00, 1500), _letters(0x3042, 80)


@cache
def _certificates() -> tuple[bytes, ...]:
    """Return certificates, DER."""
    made = []
    for number in range(6):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"host{number}.example.org")])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1000 + number).not_valid_before(start).not_valid_after(start.replace(year=2030))
        made.append(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return tuple(made)


def _pem(rng: Random, number: int) -> bytes:
    body = base64.encodebytes(rng.choice(_certificates()))
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def _token_log(rng: Random, number: int) -> bytes:
    token = base64.urlsafe_b64encode(rng.randbytes(32)).rstrip(b"=").decode()
    return f'2026-03-0{number % 9 + 1} INFO [{words(rng, 2)}] user={rng.randint(1, 99)} session={token} "{words(rng, 6)}"\n'.encode()


stream("cyrillic-1251", "scripts", lambda r, n: _cyrillic(r).encode("cp1251"))
stream("cyrillic-utf8", "scripts", lambda r, n: _cyrillic(r).encode())
stream("han-utf8", "scripts", lambda r, n: _han(r).encode())
stream("han-utf16", "scripts", lambda r, n: _han(r).encode("utf-16-le"))
stream("kana-shift-jis", "scripts", lambda r, n: _kana(r).encode("shift_jis", "ignore"))
stream("utf16-json", "scripts", lambda r, n: json_line(r, n).decode().encode("utf-16-le"))
stream("utf32-text", "scripts", lambda r, n: words(r, 20).encode("utf-32-le"))
stream("sums-of-files", "scripts", lambda r, n: b"%s  %s\n" % (hashlib.sha256(b"%d" % r.getrandbits(40)).hexdigest().encode(), words(r, 2).replace(" ", "/").encode()))
stream("pem-bundle", "scripts", _pem)
stream("der-certificates", "scripts", lambda r, n: (lambda c: len(c).to_bytes(3, "big") + c)(r.choice(_certificates())))
stream("token-log", "scripts", _token_log)
stream("base64-gzip-json", "scripts", lambda r, n: b'{"n":%d,"z":"%s"}\n' % (n, base64.b64encode(gzip.compress(jsons(r, n)))))
stream("ebcdic-records", "scripts", lambda r, n: words(r, 12).ljust(80)[:80].encode("cp500"))


def _dictionary(rng: Random) -> Session:
    return Session().client(b"DICT\n").server("\n".join(sorted({words(random.Random(rng.random()), 2) for _ in range(900)})).encode())


add_shape("sorted-words", "scripts", False, _dictionary)
