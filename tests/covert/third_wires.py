"""Benign shapes VI: records of games, databases, telemetry and services, plain or compressed one by one; written blind."""

from __future__ import annotations

import bz2
import hashlib
import json
import lzma
import math
import struct
import uuid
import zlib
from collections.abc import Callable
from random import Random

import brotli
import numpy as np
import pyarrow
import zstandard

from .benign_files import file_of, picture
from .encoders import bson, cbor, json_line, msgpack, record, varint, words
from .sessions import Session, Transport, add_shape, log_uniform

Make = Callable[[Random, int], bytes]
Wrap = Callable[[int, bytes], bytes]


def _bits(fields: list[tuple[int, int]]) -> bytes:
    """Return ``(value, bits)`` fields packed without gaps, most significant bit first."""
    number = length = 0
    for value, bits in fields:
        number = number << bits | value & ((1 << bits) - 1)
        length += bits
    pad = -length % 8
    return (number << pad).to_bytes((length + pad) // 8, "big")


def _zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _field(number: int, data: bytes) -> bytes:
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


def _add(
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
    return _bits(fields)


def _delta_snapshot(rng: Random, number: int) -> bytes:
    """What has changed since the last snapshot: a bit for each field, then small differences, packed by the bit."""
    fields = [(number, 16)]
    for _ in range(40):
        for bits in (6, 6, 4, 8):
            changed = rng.random() < 0.6
            fields += [(int(changed), 1)] + [(round(rng.gauss(0, 2 ** (bits - 3))), bits)] * changed
    return _bits(fields)


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


def _components(rng: Random, number: int) -> bytes:
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


_add("third-game-bits-udp", _snapshot, COUNTED, "udp", b"\xff\xff\xff\xffgetchallenge")
_add("third-game-delta-bits-udp", _delta_snapshot, RAW, "udp", b"\1\0\0\0connect")
_add("third-game-blocks-varint", _chunk_of_blocks, VARINT, asked=b"\x10\0\x2f\x09localhost\x63\xdd\x02")
_add("third-game-inputs-udp", _inputs, RAW, "udp", up=True, most=12_000)
_add("third-game-components-u16", _components, U16LE)

# --- services ---


def _span(rng: Random, number: int) -> bytes:
    """A span of a trace: random ids, times, attributes."""
    start = 1_760_000_000_000_000_000 + number * 1_234_567 + rng.randrange(100_000)
    out = (
        _field(1, rng.randbytes(16))
        + _field(2, rng.randbytes(8))
        + _field(5, rng.choice((b"GET /cart", b"SELECT", b"render")))
    )
    out += b"\x39" + struct.pack("<Q", start) + b"\x41" + struct.pack("<Q", start + rng.randrange(9_000_000))
    for key, value in (
        ("http.method", "GET"),
        ("peer", f"10.0.{rng.randrange(9)}.{rng.randrange(255)}"),
        ("note", words(rng, 3)),
    ):
        out += _field(9, _field(1, key.encode()) + _field(2, _field(1, value.encode())))
    return _field(1, out)


def _track(rng: Random, number: int) -> bytes:
    """Differences of a walk on a map: zigzag varints of latitude, longitude and time."""
    points = b"".join(
        _zigzag(round(rng.gauss(12, 30))) + _zigzag(round(rng.gauss(-5, 30))) + varint(rng.randint(4, 6))
        for _ in range(60)
    )
    return b"\x08" + varint(number) + _field(2, points)


def _embedding(rng: Random, number: int) -> bytes:
    """An identifier and a vector of 96 floats of length 1."""
    vector = [rng.gauss(0, 1) for _ in range(96)]
    length = math.sqrt(sum(value * value for value in vector))
    return b"\x08" + varint(number) + _field(2, struct.pack("<96f", *(value / length for value in vector)))


def _thumbnail(rng: Random, number: int) -> bytes:
    import io

    buffer = io.BytesIO()
    picture(number % 4, 320).crop((number * 7 % 200, 0, number * 7 % 200 + 96, 96)).save(buffer, "JPEG", quality=70)
    return b"\x08" + varint(number) + _field(2, words(rng, 2).encode()) + _field(3, buffer.getvalue())


def _bid(rng: Random, number: int) -> bytes:
    """A request of an auction: hashes and identifiers among few words."""
    out = _field(1, hashlib.md5(str(rng.random()).encode()).hexdigest().encode()) + _field(
        2, uuid.UUID(int=rng.getrandbits(128)).bytes
    )
    out += (
        b"\x18"
        + varint(rng.getrandbits(45))
        + b"\x25"
        + struct.pack("<f", rng.random())
        + _field(6, b"Mozilla/5.0 (X11; Linux x86_64)")
    )
    return out + b"".join(b"\x38" + varint(rng.randrange(2000)) for _ in range(rng.randint(3, 12)))


def _tokens(rng: Random, number: int) -> bytes:
    """Identifiers of words, by how frequent they are, as packed varints."""
    return _field(4, b"".join(varint(min(int(rng.paretovariate(0.6)), 50_000)) for _ in range(80)))


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


def _document(rng: Random, number: int) -> bytes:
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


_add("third-trace-spans-grpc", _span, GRPC, up=True)
_add("third-gps-tracks-varint", _track, VARINT, up=True)
_add("third-embeddings-u32", _embedding, U32_TYPE)
_add("third-thumbnails-varint", _thumbnail, VARINT, asked=b"\x12\x06photos")
_add("third-bids-varint", _bid, VARINT)
_add("third-tokens-u16", _tokens, U16LE)
_add("third-forward-msgpack", _forward, RAW, up=True)
_add("third-senml-cbor-udp", _senml, RAW, "udp", up=True, most=20_000)
_add("third-documents-summed", _document, SUMMED)

# --- databases ---


def _text_row(rng: Random, number: int) -> bytes:
    return b"".join(varint(len(t)) + t for t in (str(value).encode() for value in record(rng, number).values()))


def _cells(rng: Random, number: int) -> bytes:
    """Rows of cells with 32-bit lengths, -1 for NULL, as wide-column stores answer."""
    out = struct.pack(">BBHBI", 0x84, 0, number & 0x7FFF, 8, 900)
    for _ in range(10):
        for cell in (
            uuid.UUID(int=rng.getrandbits(128)).bytes,
            struct.pack(">d", rng.gauss(50, 9)),
            words(rng, 3).encode(),
            None,
        ):
            out += struct.pack(">i", -1) if cell is None else struct.pack(">i", len(cell)) + cell
    return out


def _page(rng: Random, number: int) -> bytes:
    """A page of 2048 bytes with slots at its start and rows at its end."""
    rows: list[bytes] = []
    while sum(map(len, rows)) + 2 * len(rows) < 1700:
        rows.append(struct.pack("<IHd", number * 40 + len(rows), 3, rng.lognormvariate(3, 1)) + words(rng, 4).encode())
    slots, place = b"", 2048
    for row in rows:
        place -= len(row)
        slots += struct.pack("<H", place)
    head = struct.pack("<QIHH", number << 13, zlib.crc32(slots), len(rows), place)
    return (head + slots).ljust(2048 - sum(map(len, rows)), b"\0") + b"".join(reversed(rows))


def _log_record(rng: Random, number: int) -> bytes:
    change = struct.pack("<QIIB", 0x16B3740 + 88 * number, 16_384 + number // 40, 1663, 0x40) + _text_row(rng, number)
    return struct.pack("<II", len(change), zlib.crc32(change)) + change


def _sorted_block(rng: Random, number: int) -> bytes:
    """Sorted keys with what they share with the one before left out, values, restarts."""
    out, before = b"", b""
    for i in range(60):
        key = f"user:{number * 60 + i:08d}:{'name' if i % 2 else 'mail'}".encode()
        same = next((j for j, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), 0) if i % 16 else 0
        value = words(rng, 2).encode()
        out += varint(same) + varint(len(key) - same) + varint(len(value)) + key[same:] + value
        before = key
    return out + struct.pack("<5I", 0, 700, 1400, 2100, 4)


def _batch(codec: str) -> Make:
    def make(rng: Random, number: int) -> bytes:
        rows = b"".join(
            _zigzag(len(r) + 4) + b"\0\0" + _zigzag(i) + b"\1" + _zigzag(len(r)) + r + b"\0"
            for i, r in enumerate(json_line(rng, number * 30 + i) for i in range(30))
        )
        data = rows if codec == "none" else _packed(codec, rows)
        tail = (
            struct.pack(">hiqqqhii", 0, 29, 1_760_000_000_000 + number, 1_760_000_000_900 + number, -1, -1, -1, 30)
            + data
        )
        return struct.pack(">qiibI", number * 30, len(tail) + 9, 0, 2, zlib.crc32(tail)) + tail

    return make


def _packed(codec: str, data: bytes) -> bytes:
    if codec == "zstd":
        return zstandard.compress(data, 3)
    return bytes(pyarrow.Codec(codec).compress(data, asbytes=True))


_add("third-rows-u24-sequence", _text_row, U24_SEQUENCE, asked=b"\x12\0\0\0\x03select * from t ord")
_add("third-cells-u32", _cells, U32_TYPE)
_add("third-pages-counted", _page, COUNTED)
_add("third-log-records", _log_record, RAW)
_add("third-sorted-blocks-summed", _sorted_block, SUMMED)
_add("third-batches-plain", _batch("none"), RAW, up=True)
_add("third-batches-lz4", _batch("lz4"), RAW, up=True)
_add("third-batches-snappy", _batch("snappy"), U32_TYPE)
_add("third-batches-zstd", _batch("zstd"), U32_TYPE, up=True)

# --- compressed one by one ---


def _several(make: Make, count: int) -> Make:
    return lambda rng, number: b"".join(make(rng, number * count + i) for i in range(count))


def _coded(code: Callable[[bytes], bytes], make: Make) -> Make:
    return lambda rng, number: code(make(rng, number))


def _fastlz(data: bytes) -> bytes:
    """Return data in a byte-oriented Lempel-Ziv code of one's own: flags of eight, literals, 12-bit places, 4-bit lengths."""
    out, place, seen = bytearray(), 0, {}
    while place < len(data):
        flags, items = 0, bytearray()
        for bit in range(8):
            if place >= len(data):
                break
            at = seen.get(data[place : place + 3], -1)
            seen[data[place : place + 3]] = place
            size = 0
            while 0 <= at and size < 18 and place + size < len(data) and data[at + size] == data[place + size]:
                size += 1
            if size >= 3 and place - at < 4096:
                flags |= 1 << bit
                items += struct.pack("<H", (place - at) << 4 | size - 3)
                place += size
            else:
                items.append(data[place])
                place += 1
        out.append(flags)
        out += items
    return bytes(out)


def _lzw(data: bytes) -> bytes:
    """Return data in LZW with 12-bit codes."""
    known = {bytes([i]): i for i in range(256)}
    fields, word = [], b""
    for byte in data:
        longer = word + bytes([byte])
        if longer in known:
            word = longer
            continue
        fields.append((known[word], 12))
        if len(known) < 4096:
            known[longer] = len(known)
        word = bytes([byte])
    return _bits([*fields, (known[word], 12)])


def _deflated(data: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, -12)
    return coder.compress(data) + coder.flush()


BIG, RECORDS = _several(json_line, 25), _several(_text_row, 30)
_add("third-deflate-json-ones", _coded(_deflated, BIG), ONES)
_add("third-deflate-records-u24", _coded(_deflated, RECORDS), U24_SEQUENCE)
_add("third-brotli-json-varint", _coded(lambda d: brotli.compress(d, quality=5), BIG), VARINT)
_add("third-brotli-records-summed", _coded(lambda d: brotli.compress(d, quality=9), RECORDS), SUMMED)
_add("third-own-lz-counted", _coded(_fastlz, RECORDS), COUNTED)
_add("third-own-lzw-u32", _coded(_lzw, BIG), U32_TYPE)
_add("third-lz4-spans-u16", _coded(lambda d: _packed("lz4_raw", d), _several(_span, 12)), U16LE)
_add("third-snappy-tracks-varint", _coded(lambda d: _packed("snappy", d), _several(_track, 10)), VARINT)
_add("third-zlib-game-udp", _coded(lambda d: zlib.compress(d), _several(_components, 3)), RAW, "udp")
_add("third-bz2-documents-summed", _coded(bz2.compress, _several(_document, 40)), SUMMED)
_add("third-lzma-json-counted", _coded(lambda d: lzma.compress(d, lzma.FORMAT_ALONE), BIG), COUNTED)
_add("third-xz-records-u32", _coded(lzma.compress, RECORDS), U32_TYPE)


def _kept_window(name: str, bits: int, wrap: Wrap, make: Make) -> None:
    """Messages deflated into one stream, the mark of each flush left out (RFC 7692)."""

    def session(rng: Random) -> Session:
        coder, talk, number = zlib.compressobj(6, zlib.DEFLATED, bits), Session().client(b"subscribe\n"), 0
        while talk.size < 30_000:
            data = coder.compress(make(rng, number)) + coder.flush(zlib.Z_SYNC_FLUSH)
            talk.server(wrap(number, data[:-4]))
            number += 1
        return talk

    add_shape(name, "third wires", False, session)


_kept_window("third-window-json-varint", -15, VARINT, json_line)
_kept_window("third-window-documents-ones", -13, ONES, _several(_document, 4))
_kept_window("third-window-zlib-u16", 15, U16LE, _several(_span, 5))


def _with_dictionary(rng: Random) -> Session:
    samples = [json_line(Random(i), i) for i in range(300)]
    coder = zstandard.ZstdCompressor(3, dict_data=zstandard.train_dictionary(8192, samples))
    talk, number = Session().client(b"\0\0\0\1"), 0
    while talk.size < 20_000:
        data = coder.compress(_several(json_line, 4)(rng, number))
        talk.server(U32_TYPE(number, data))
        number += 1
    return talk


add_shape("third-zstd-dictionary-u32", "third wires", False, _with_dictionary)

# --- samples ---


def _samples(kind: str, size: int, deviation: float, slow: float = 0.0) -> Make:
    """Numbers around a slow wave, as the type ``kind``."""

    def make(rng: Random, number: int) -> bytes:
        return struct.pack(
            f"<{size}{kind}",
            *(round(slow * math.sin((number * size + i) / 40) + rng.gauss(0, deviation)) for i in range(size)),
        )

    return make


def _radio(rng: Random, number: int) -> bytes:
    return bytes(min(max(round(127.4 + rng.gauss(0, 22)), 0), 255) for _ in range(1024))


def _rows_of_sensor(bits: int) -> Make:
    """Rows of a picture, ``bits`` a sample, packed."""

    def make(rng: Random, number: int) -> bytes:
        row = np.asarray(picture(number % 4, 320))[number * 3 % 320, :, 1].astype(int) << bits - 8
        return _bits([(min(max(int(v) + round(rng.gauss(0, 1 << bits - 7)), 0), (1 << bits) - 1), bits) for v in row])

    return make


def _weights(form: str) -> Make:
    """Weights of a network: half floats with 8 bits of exponent, or blocks of 32 of 4 bits behind a scale."""

    def make(rng: Random, number: int) -> bytes:
        values = np.random.default_rng(rng.getrandbits(32)).normal(0, 0.02, 1024).astype(np.float32)
        if form == "bf16":
            return (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        blocks = values.reshape(-1, 32)
        scale = np.abs(blocks).max(axis=1) / 7
        coded = np.clip(np.round(blocks / scale[:, None]) + 8, 0, 15).astype(np.uint8)
        nibbles = coded[:, :16] | coded[:, 16:] << 4
        return b"".join(s.tobytes() + b.tobytes() for s, b in zip(scale.astype("<f2"), nibbles, strict=True))

    return make


def _signatures(rng: Random, number: int) -> bytes:
    """Sums of blocks of a file: a rolling one of 32 bits, a strong one of 64."""
    blocks = [words(rng, 60).encode() for _ in range(16)]
    return b"".join(struct.pack("<I", zlib.adler32(b)) + hashlib.md5(b).digest()[:8] for b in blocks)


def _dna(rng: Random, number: int) -> bytes:
    """Bases, two bits each, with repeats and a skew, and their names."""
    unit = [rng.choice((0, 0, 0, 1, 2, 3, 3)) for _ in range(90)]
    return f"chr{number % 22}:{number * 480}".encode().ljust(16, b"\0") + _bits(
        [(unit[i % 90] if rng.random() < 0.9 else rng.randrange(4), 2) for i in range(480)]
    )


_add("third-radio-u8", _radio, RAW, asked=b"\1\5\xf5\xe1\0\2\0\x1f\x40\0")
_add("third-radio-i16", _samples("h", 512, 900), COUNTED)
_add("third-ecg-i16-udp", _samples("h", 250, 9, 700), COUNTED, "udp", up=True)
_add("third-counts-u32", _samples("i", 200, 30, 300), U32_TYPE)
_add("third-sensor-rows-10-bit", _rows_of_sensor(10), COUNTED)
_add("third-sensor-rows-14-bit", _rows_of_sensor(14), U32_TYPE)
_add("third-weights-bf16", _weights("bf16"), U32_TYPE)
_add("third-weights-4-bit", _weights("q4"), U32_TYPE)
_add("third-signatures-u32", _signatures, U32_TYPE, up=True)
_add("third-dna-two-bits", _dna, U16LE)


def _upload_behind_json(rng: Random) -> Session:
    """An object behind a line of JSON that describes it, several in one connection."""
    talk = Session()
    for name in rng.sample(("jpeg", "gzip", "png", "zip", "webp", "mp3", "pdf"), 3):
        data = file_of(name, rng.randrange(4))[: rng.randint(9000, 22_000)]
        talk.client(json.dumps({"put": f"object.{name}", "size": len(data)}).encode() + b"\n" + data).server(
            b'{"ok":1}\n'
        )
    return talk


add_shape("third-objects-behind-json", "third wires", False, _upload_behind_json)
