"""Benign shapes VIII: samples, weights, sums; objects behind lines of JSON; written blind."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from random import Random

import numpy as np

from .benign_files import file_of, picture
from .encoders import words
from .sessions import Session, add_shape
from .third_wires import COUNTED, RAW, U16LE, U32_TYPE, Make, add, bits_of

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
        return bits_of([(min(max(int(v) + round(rng.gauss(0, 1 << bits - 7)), 0), (1 << bits) - 1), bits) for v in row])

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
    return f"chr{number % 22}:{number * 480}".encode().ljust(16, b"\0") + bits_of(
        [(unit[i % 90] if rng.random() < 0.9 else rng.randrange(4), 2) for i in range(480)]
    )


add("third-radio-u8", _radio, RAW, asked=b"\1\5\xf5\xe1\0\2\0\x1f\x40\0")
add("third-radio-i16", _samples("h", 512, 900), COUNTED)
add("third-ecg-i16-udp", _samples("h", 250, 9, 700), COUNTED, "udp", up=True)
add("third-counts-u32", _samples("i", 200, 30, 300), U32_TYPE)
add("third-sensor-rows-10-bit", _rows_of_sensor(10), COUNTED)
add("third-sensor-rows-14-bit", _rows_of_sensor(14), U32_TYPE)
add("third-weights-bf16", _weights("bf16"), U32_TYPE)
add("third-weights-4-bit", _weights("q4"), U32_TYPE)
add("third-signatures-u32", _signatures, U32_TYPE, up=True)
add("third-dna-two-bits", _dna, U16LE)


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
