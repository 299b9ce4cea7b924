"""Benign shapes VII: what databases send, and records compressed one by one; written blind."""

from __future__ import annotations

import bz2
import lzma
import struct
import uuid
import zlib
from collections.abc import Callable
from random import Random

import brotli
import pyarrow
import zstandard

from .encoders import json_line, record, varint, words
from .sessions import Session, add_shape
from .third_wires import (
    COUNTED,
    ONES,
    RAW,
    SUMMED,
    U16LE,
    U24_SEQUENCE,
    U32_TYPE,
    VARINT,
    Make,
    Wrap,
    add,
    bits_of,
    components,
    document,
    span,
    track,
    zigzag,
)

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
            zigzag(len(r) + 4) + b"\0\0" + zigzag(i) + b"\1" + zigzag(len(r)) + r + b"\0"
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


add("third-rows-u24-sequence", _text_row, U24_SEQUENCE, asked=b"\x12\0\0\0\x03select * from t ord")
add("third-cells-u32", _cells, U32_TYPE)
add("third-pages-counted", _page, COUNTED)
add("third-log-records", _log_record, RAW)
add("third-sorted-blocks-summed", _sorted_block, SUMMED)
add("third-batches-plain", _batch("none"), RAW, up=True)
add("third-batches-lz4", _batch("lz4"), RAW, up=True)
add("third-batches-snappy", _batch("snappy"), U32_TYPE)
add("third-batches-zstd", _batch("zstd"), U32_TYPE, up=True)

# --- compressed one by one ---


def _several(make: Make, count: int) -> Make:
    return lambda rng, number: b"".join(make(rng, number * count + i) for i in range(count))


def _coded(code: Callable[[bytes], bytes], make: Make) -> Make:
    return lambda rng, number: code(make(rng, number))


def _fastlz(data: bytes) -> bytes:
    """Return data in a byte-oriented Lempel-Ziv code of one's own: flags of eight, literals, places, lengths."""
    out, place, seen = bytearray(), 0, {}
    while place < len(data):
        flags, items = 0, bytearray()
        for bit in range(8):
            if place >= len(data):
                break
            at = seen.get(data[place : place + 3], -1)
            seen[data[place : place + 3]] = place
            size = 0
            while at >= 0 and size < 18 and place + size < len(data) and data[at + size] == data[place + size]:
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
    return bits_of([*fields, (known[word], 12)])


def _deflated(data: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, -12)
    return coder.compress(data) + coder.flush()


BIG, RECORDS = _several(json_line, 25), _several(_text_row, 30)
add("third-deflate-json-ones", _coded(_deflated, BIG), ONES)
add("third-deflate-records-u24", _coded(_deflated, RECORDS), U24_SEQUENCE)
add("third-brotli-json-varint", _coded(lambda d: brotli.compress(d, quality=5), BIG), VARINT)
add("third-brotli-records-summed", _coded(lambda d: brotli.compress(d, quality=9), RECORDS), SUMMED)
add("third-own-lz-counted", _coded(_fastlz, RECORDS), COUNTED)
add("third-own-lzw-u32", _coded(_lzw, BIG), U32_TYPE)
add("third-lz4-spans-u16", _coded(lambda d: _packed("lz4_raw", d), _several(span, 12)), U16LE)
add("third-snappy-tracks-varint", _coded(lambda d: _packed("snappy", d), _several(track, 10)), VARINT)
add("third-zlib-game-udp", _coded(lambda d: zlib.compress(d), _several(components, 3)), RAW, "udp")
add("third-bz2-documents-summed", _coded(bz2.compress, _several(document, 40)), SUMMED)
add("third-lzma-json-counted", _coded(lambda d: lzma.compress(d, lzma.FORMAT_ALONE), BIG), COUNTED)
add("third-xz-records-u32", _coded(lzma.compress, RECORDS), U32_TYPE)


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
_kept_window("third-window-documents-ones", -13, ONES, _several(document, 4))
_kept_window("third-window-zlib-u16", 15, U16LE, _several(span, 5))


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
