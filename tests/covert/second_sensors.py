"""Benign shapes V: telemetry, samples of sensors, and text in many scripts; written blind, as III."""

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
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .benign_records import _stream as stream
from .encoders import json_line, jsons, words
from .second_records import Make, _zigzag
from .sessions import Session, add_shape

# --- telemetry ---


def _mavlink(rng: Random, number: int) -> bytes:
    body = struct.pack("<Iffffff", number * 100, *(math.sin(number / 30 + i) + rng.gauss(0, 0.01) for i in range(6)))
    return (
        b"\xfd"
        + bytes([len(body), 0, 0, number & 255, 1, 1, 30, 0, 0])
        + body
        + struct.pack("<H", zlib.crc32(body) & 0xFFFF)
    )


def _ubx(rng: Random, number: int) -> bytes:
    body = struct.pack(
        "<IiiiiII", number * 200, 115_000_000 + number * 3, 480_000_000 + rng.randint(0, 90), 54_000, 50_000, 900, 1200
    )
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
    out = b""
    for turn in range(number * 40, number * 40 + 40):
        x, y = round(90_000 * math.cos(turn / 90)), round(90_000 * math.sin(turn / 90))
        out += struct.pack(
            "<iiiHBBHd", x, y, rng.randint(-300, 300), rng.randint(0, 4000), 9, 2, 17, number + turn / 1e4
        )
    return out


def _xor_floats(rng: Random, number: int) -> bytes:
    """Return 200 readings as Gorilla codes them: the bits in which each differs from the last."""
    bits, last = "", 0
    for i in range(200):
        value = struct.unpack(
            ">Q", struct.pack(">d", round(20 + math.sin((number * 200 + i) / 60) + rng.gauss(0, 0.1), 1))
        )[0]
        change = value ^ last
        last = value
        if not change:
            bits += "0"
            continue
        lead = min(64 - change.bit_length(), 31)
        trail = (change & -change).bit_length() - 1
        bits += f"11{lead:05b}{64 - lead - trail - 1:06b}{change >> trail:0{64 - lead - trail}b}"
    return struct.pack(">IH", number, 200) + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(
        -(-len(bits) // 8), "big"
    )


def _lidar(rng: Random, number: int) -> bytes:
    out = b""
    for block in range(12):
        out += b"\xff\xee" + struct.pack("<H", (number * 12 + block) * 40 % 36_000)
        out += b"".join(
            struct.pack("<HB", 2000 + 60 * beam + rng.randint(0, 40), rng.randint(5, 60)) for beam in range(32)
        )
    return out + struct.pack("<IH", number * 1327, 0x2237)


stream("mavlink", "sensors", _mavlink, "udp")
stream("ubx", "sensors", _ubx)
stream("adc-12-bit-packed", "sensors", _packed_12_bit)
stream(
    "imu-int16",
    "sensors",
    lambda r, n: struct.pack("<I", n) + struct.pack("<60h", *(round(r.gauss(0, 400)) for _ in range(60))),
    "udp",
)
stream("floats-normal-32", "sensors", _numbers("<f4", 300))
stream("floats-normal-64", "sensors", _numbers("<f8", 150))
stream("half-floats", "sensors", _numbers("<f2", 600, 0.05))
stream("int8-weights", "sensors", _numbers("i1", 1200, 22.0))
stream("point-cloud", "sensors", _points)
stream("xor-coded-floats", "sensors", _xor_floats)
stream("lidar-udp", "sensors", _lidar, "udp")
stream(
    "zigzag-samples-u16",
    "sensors",
    lambda r, n: (lambda d: struct.pack(">H", len(d)) + d)(
        b"".join(_zigzag(round(r.gauss(0, 300))) for _ in range(200))
    ),
)
stream(
    "input-events",
    "sensors",
    lambda r, n: struct.pack("<QQHHi", 1_760_000_000, n * 8000 % 1_000_000, 2, r.randint(0, 1), r.randint(-9, 9)),
)

# --- text ---


def _letters(first: int, count: int) -> Callable[[Random], str]:
    """Return a maker of text in another script: words of letters as often as those of a language."""

    def make(rng: Random) -> str:
        weights = [1 / (rank + 2) for rank in range(count)]
        return (
            " ".join(
                "".join(map(chr, (first + i for i in rng.choices(range(count), weights, k=rng.randint(1, 8)))))
                for _ in range(30)
            )
            + "\n"
        )

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
    who = f"user={rng.randint(1, 99)} session={token}"
    return f'2026-03-0{number % 9 + 1} INFO [{words(rng, 2)}] {who} "{words(rng, 6)}"\n'.encode()


stream("cyrillic-1251", "scripts", lambda r, n: _cyrillic(r).encode("cp1251"))
stream("cyrillic-utf8", "scripts", lambda r, n: _cyrillic(r).encode())
stream("han-utf8", "scripts", lambda r, n: _han(r).encode())
stream("han-utf16", "scripts", lambda r, n: _han(r).encode("utf-16-le"))
stream("kana-shift-jis", "scripts", lambda r, n: _kana(r).encode("shift_jis", "ignore"))
stream("utf16-json", "scripts", lambda r, n: json_line(r, n).decode().encode("utf-16-le"))
stream("utf32-text", "scripts", lambda r, n: words(r, 20).encode("utf-32-le"))
stream(
    "sums-of-files",
    "scripts",
    lambda r, n: (
        b"%s  %s\n"
        % (hashlib.sha256(b"%d" % r.getrandbits(40)).hexdigest().encode(), words(r, 2).replace(" ", "/").encode())
    ),
)
stream("pem-bundle", "scripts", _pem)
stream("der-certificates", "scripts", lambda r, n: (lambda c: len(c).to_bytes(3, "big") + c)(r.choice(_certificates())))
stream("token-log", "scripts", _token_log)
stream(
    "base64-gzip-json",
    "scripts",
    lambda r, n: b'{"n":%d,"z":"%s"}\n' % (n, base64.b64encode(gzip.compress(jsons(r, n)))),
)
stream("ebcdic-records", "scripts", lambda r, n: words(r, 12).ljust(80)[:80].encode("cp500"))


def _dictionary(rng: Random) -> Session:
    return (
        Session()
        .client(b"DICT\n")
        .server("\n".join(sorted({words(random.Random(rng.random()), 2) for _ in range(900)})).encode())
    )


add_shape("sorted-words", "scripts", False, _dictionary)
