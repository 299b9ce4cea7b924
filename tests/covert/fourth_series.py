"""Benign shapes XI: series, numbers, samples and games; blind."""

from __future__ import annotations

import math
import struct
import zlib
from random import Random

import numpy as np

from .benign_files import picture
from .encoders import words
from .fourth_wires import Make, add, several, u32
from .third_codecs import camera
from .third_wires import bits_of

# --- series, postings, tensors ---


def _series(rng: Random, number: int) -> bytes:
    """Doubles by their difference as bits, times by the difference of differences (Pelkonen et al., 2015)."""
    before, fields, value = 0, [], 20.0
    for _ in range(90):
        value += rng.choice((0.0, 0.0, 0.1, -0.1, 0.25))
        now = struct.unpack(">Q", struct.pack(">d", round(value, 2)))[0]
        delta, before = now ^ before, now
        fields.append((0, 1) if rng.random() < 0.8 else (0b10 << 7 | rng.randrange(128), 9))
        if not delta:
            fields.append((0, 1))
            continue
        low = (delta & -delta).bit_length() - 1
        size = delta.bit_length() - low
        fields += [(0b11, 2), (64 - delta.bit_length(), 6), (size & 63, 6), (delta >> low, size)]
    return struct.pack(">HQ", number & 0xFFFF, 1_760_000_000 + number * 90) + bits_of(fields)


def _postings(rng: Random, number: int) -> bytes:
    """Numbers of documents, 128 at a time, by their differences in as many bits as the largest needs."""
    gaps = [min(int(rng.expovariate(1 / 40)), 1023) for _ in range(128)]
    width = max(gaps).bit_length()
    return struct.pack(">IBB", number, 128, width) + bits_of([(gap, width) for gap in gaps])


def _grouped(rng: Random, number: int) -> bytes:
    """Four numbers to a byte of lengths, one to four bytes each."""
    numbers = [int(rng.lognormvariate(6, 2)) & 0xFFFFFFFF for _ in range(100)]
    sizes = [max((value.bit_length() + 7) // 8, 1) for value in numbers]
    keys = bytes(sum((sizes[at + i] - 1) << 2 * i for i in range(4)) for at in range(0, 100, 4))
    return (
        struct.pack("<I", 100) + keys + b"".join(v.to_bytes(s, "little") for v, s in zip(numbers, sizes, strict=True))
    )


def _numbers(kind: str) -> Make:
    """Gradients of a layer, as half floats, as bytes behind a scale, or whole; points of a laser."""

    def make(rng: Random, number: int) -> bytes:
        values = np.random.default_rng(rng.getrandbits(32)).normal(0, 0.01, 900)
        if kind == "i8":
            data = struct.pack("<f", 0.0003) + np.clip(np.round(values / 0.0003), -127, 127).astype(np.int8).tobytes()
        elif kind == "points":
            angle = np.arange(200) / 31 + number
            far = 9 + np.sin(angle / 3) + values[:200]
            data = np.stack((far * np.cos(angle), far * np.sin(angle), values[:200]), 1).astype("<f4").tobytes()
        else:
            data = values.astype(kind).tobytes()
        return struct.pack("<IHH", len(data), 3, number & 0xFFFF) + data

    return make


add("series-bits", lambda rng, n: (lambda d: struct.pack(">H", len(d)) + d)(_series(rng, n)), up=True)
add("series-bits-udp", _series, "udp", up=True)
add("postings-bits", _postings)
add("numbers-grouped", _grouped)
add("gradients-f2", _numbers("<f2"), up=True)
add("gradients-i8", _numbers("i8"), up=True)
add("gradients-f4", _numbers("<f4"), up=True)
add("points-of-laser", _numbers("points"))
add("points-of-laser-udp", _numbers("points"), "udp")


def _radio_12(rng: Random, number: int) -> bytes:
    """Samples of 12 bits, two to three bytes: a carrier and noise."""
    values = [2048 + round(600 * math.sin((number * 300 + i) / 5) + rng.gauss(0, 60)) for i in range(300)]
    return struct.pack(">II", number, 300) + bits_of([(value & 4095, 12) for value in values])


def _depth(rng: Random, number: int) -> bytes:
    """Rows of a camera of distances, 16 bits each, in zlib's format."""
    scene = np.asarray(picture(number % 4, 320))[:24, :, 0].astype("<u2") * 20
    rows = scene + np.random.default_rng(number).integers(0, 9, scene.shape).astype("<u2")
    return u32(zlib.compress(rows.astype("<u2").tobytes(), 1))


def _pcm_24(rng: Random, number: int) -> bytes:
    values = [round(900_000 * math.sin((number * 200 + i) / 14) + rng.gauss(0, 4000)) for i in range(200)]
    return struct.pack(">HI", number & 0xFFFF, number * 200) + b"".join(
        (v & 0xFFFFFF).to_bytes(3, "little") for v in values
    )


def _raw_video(rng: Random, number: int) -> bytes:
    view = camera(number % 3, number, 80, 60).astype(int)
    grey = (view @ np.array([30, 59, 11]) // 100).clip(0, 255).astype(np.uint8)
    return struct.pack("<IHH", number, 80, 60) + grey.tobytes()


add("radio-12-bit", _radio_12, "udp")
add("depth-zlib", _depth)
add("sound-24-bit", _pcm_24, "udp", up=True)
add("video-grey", _raw_video)

# --- games ---


def _turns(rng: Random, number: int) -> bytes:
    """Three of four parts of turns, ten bits each, and places by difference, for a dozen things that move."""
    fields = [(number & 0xFFFF, 16), (12, 5)]
    for thing in range(12):
        turn = number / 30 + thing
        parts = (math.sin(turn), math.cos(turn) * 0.5, 0.1 * math.sin(3 * turn))
        fields += [(thing, 6), (rng.randrange(4), 2)]
        fields += [(round((part + 1) * 511), 10) for part in parts]
        fields += [(round(rng.gauss(0, 30)) & 511, 9) for _ in range(3)]
    return bits_of(fields)


def _moves(rng: Random, number: int) -> bytes:
    """Commands of a player: keys, angles, a sum."""
    body = struct.pack(
        "<IBhhB", number, rng.choice((0, 1, 1, 3, 9)), round(9000 * math.sin(number / 40)), number % 700, 33
    )
    return body + struct.pack("<I", zlib.crc32(body))


def _huffman(data: bytes) -> bytes:
    """Text in a fixed code of one's own: frequent letters have few bits."""
    order = b" etaoinshrdlucmfwypvbgkjqxz\n0123456789.,_-()\"'=:"
    fields = []
    for byte in data:
        place = order.find(bytes([byte | 32 if 65 <= byte < 91 else byte]))
        fields.append(
            (0b111111 << 8 | byte, 14) if place < 0 else ((place, 4) if place < 6 else (0b1000000 + place, 7))
        )
    return bits_of(fields)


add("turns-bits-udp", _turns, "udp")
add("turns-bits-u16", lambda rng, n: (lambda d: struct.pack("<H", len(d)) + d)(_turns(rng, n)))
add("moves-summed-udp", _moves, "udp", up=True)
add("world-zlib", lambda rng, n: u32(zlib.compress(several(_turns, 12)(rng, n))))
add("text-own-code", lambda rng, n: (lambda d: struct.pack(">H", len(d)) + d)(_huffman(words(rng, 40).encode())))
