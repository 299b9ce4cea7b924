"""Covert shapes of the fifth lot: ciphertext in serialisations, multiplexers, spellings and company; written blind."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from random import Random

from .encoders import bson, cbor, json_line, varint
from .fourth_encoders import still
from .mimicry_shapes import program, source_text
from .sessions import Frame, Session, add_framing, add_shape, log_uniform, shape


def simple(make: Callable[[bytes, int], bytes]) -> Callable[[Random], Frame]:
    """Return the framing of a function of payload and number alone."""
    return lambda _rng: lambda data, number, _up: make(data, number)


def _short(data: bytes, head: bytes, wide: str) -> bytes:
    return head + struct.pack(wide, len(data)) + data


def _der(tag: int, data: bytes) -> bytes:
    return bytes((tag, 0x82)) + struct.pack(">H", len(data)) + data


# --- serialisations ---

SERIAL = {
    "protobuf-crc": lambda d, n: (
        b"\x08" + varint(n) + b"\x12" + varint(len(d)) + d + b"\x1d" + struct.pack("<I", zlib.crc32(d))
    ),
    "msgpack-pair": lambda d, n: b"\x92\xcd" + struct.pack(">H", n) + _short(d, b"\xc5", ">H"),
    "cbor-map": lambda d, n: b"\xa2\x61n" + cbor(n) + b"\x61d" + _short(d, b"\x59", ">H"),
    "bencode": lambda d, n: b"d1:d%d:%s1:ti%dee" % (len(d), d, n),
    "netstring": lambda d, _: b"%d:%s," % (len(d), d),
    "der": lambda d, n: _der(0x30, b"\x02\x02" + struct.pack(">H", n) + _der(4, d)),
    "bson-binary": lambda d, n: (lambda body: struct.pack("<i", len(body) + 5) + body + b"\0")(
        bson({"n": n})[4:-1] + b"\x05d\0" + struct.pack("<iB", len(d), 0) + d
    ),
    "hex-length": lambda d, _: b"%04x" % len(d) + d,
    "json-head": lambda d, n: (lambda head: struct.pack(">H", len(head)) + head + d)(
        json.dumps({"seq": n, "len": len(d)}).encode()
    ),
    "nested-tlv": lambda d, n: _short(_short(_short(d, b"\x03", ">H"), b"\x02\x01", ">H"), b"\x01", ">H"),
    "amf": lambda d, n: b"\x11" + struct.pack(">I", len(d) << 1 | 1)[1:] + b"\x0c" + d,
    "string-then-bytes": lambda d, n: b"\x04chat" + struct.pack("<I", len(d)) + d,
}
# --- multiplexers and tunnels ---

TUNNELS = {
    "mux-windows": lambda d, n: (
        struct.pack(">BBHII", 0, 1, 0, n % 5 * 2 + 1, 262144) if n % 6 == 5 else b""
    ) + struct.pack(">BBHII", 0, 0, 0, n % 5 * 2 + 1, len(d)) + d,
    "mux-small": lambda d, n: struct.pack("<BBHI", 1, 2, len(d), n % 3 * 2 + 3) + d,
    "mac-first": lambda d, _: d[:16].ljust(16, b"\x5a") + struct.pack(">I", len(d)) + d,
    "length-behind": lambda d, _: d + struct.pack("<H", len(d)),
    "length-less-one": lambda d, n: struct.pack(">HB", len(d) - 1, n & 1) + d,
    "length-twice": lambda d, _: struct.pack("<HH", len(d), len(d) ^ 0xFFFF) + d,
    "words-of-four": lambda d, n: struct.pack(">HH", (len(d) + 3) // 4, n) + d.ljust((len(d) + 3) // 4 * 4, b"\0"),
    "zeros-to-128": lambda d, _: struct.pack(">H", len(d)) + d.ljust(-(-len(d) // 128) * 128, b"\0"),
    "letters-to-64": lambda d, _: struct.pack(">H", len(d)) + d.ljust(-(-len(d) // 64) * 64, b"A"),
    "pings-between": lambda d, n: (b"\0\4PING" if n % 3 == 0 else b"") + struct.pack(">H", len(d)) + d,
    "masked-frames": lambda d, n: b"\x82\xfe" + struct.pack(">H", len(d)) + d[:4].ljust(4, b"\1") + d,
    "time-and-flags": lambda d, n: struct.pack("<QBH", 1_760_000_000_000 + 37 * n, n % 4, len(d)) + d,
}  # fmt: skip
DATAGRAMS = {
    "udp-short-header": lambda d, n: bytes((0x40 | n & 3,)) + b"\x9a\x11\x45\xcc\x02\x77\x0b\xe1" + d,
    "udp-time": lambda d, n: struct.pack(">IB", 90 * n, n % 2) + d,
    "udp-tail-sum": lambda d, n: struct.pack(">H", n) + d + struct.pack(">I", zlib.crc32(d)),
    "udp-window": lambda d, n: struct.pack("<IBBHIIII", 0x51A3, 81, 0, 128, n * 11, n, max(n - 3, 0), len(d)) + d,
    "udp-bare": lambda d, _: d,
}
# --- spellings ---


def _emoji(data: bytes) -> bytes:
    return "".join(chr(0x1F300 + byte) for byte in data).encode()


_ALPHABET = b"ZYXABCDEFGHIJKLMNOPQRSTUVWzyxabcdefghijklmnopqrstuvw9876543210-_"
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_OWN = bytes.maketrans(_STANDARD, _ALPHABET)
SPELT = {
    "json-b64": lambda d, n: json.dumps({"seq": n, "data": base64.b64encode(d).decode()}).encode() + b"\n",
    "mime-lines": lambda d, _: base64.encodebytes(d) + b"\r\n",
    "xml-hex": lambda d, n: b"<m><id>%d</id><body>%s</body></m>\n" % (n, d.hex().upper().encode()),
    "form": lambda d, n: b"id=%d&data=%s&end=1\n" % (n, base64.urlsafe_b64encode(d)),
    "base32-lower": lambda d, _: base64.b32encode(d).lower() + b"\n",
    "base85": lambda d, _: base64.b85encode(d) + b"\n",
    "own-alphabet": lambda d, _: base64.b64encode(d).rstrip(b"=").translate(_TO_OWN) + b"\n",
    "latin-in-utf8": lambda d, _: d.decode("latin-1").encode() + b"\n",
    "emoji": lambda d, _: _emoji(d) + b"\n",
    "list-of-numbers": lambda d, n: json.dumps({"n": n, "b": [*d]}).encode(),
    "nibbles": lambda d, _: bytes(half for byte in d for half in (byte >> 4, byte & 15)),
    "letters-a-to-p": lambda d, _: bytes(65 + half for byte in d for half in (byte >> 4, byte & 15)),
    "percent": lambda d, _: b"q=" + b"".join(b"%%%02X" % byte for byte in d) + b"\n",
    "csv-b64": lambda d, n: b"%d,%s,%s\n" % (n, base64.b64encode(d[: len(d) // 2]), base64.b64encode(d[len(d) // 2 :])),
    "log-lines": lambda d, n: b"".join(
        b"2026-05-01T10:%02d:%02d INFO blob=%s\n" % (n // 60 % 60, n % 60, base64.b64encode(d[at : at + 60]))
        for at in range(0, len(d), 60)
    ),
    "zeros-between": lambda d, _: b"\0".join(bytes((byte,)) for byte in d) + b"\0",
    "utf7": lambda d, _: b"".join(
        b"+" + base64.b64encode(d[at : at + 24]).rstrip(b"=") + b"- " for at in range(0, len(d), 24)
    ) + b"\n",
}  # fmt: skip

for _table, _family in ((SERIAL, "fifth serial"), (TUNNELS, "fifth tunnels"), (SPELT, "fifth spelt")):
    for _name, _make in _table.items():
        add_framing(f"fifth-{_name}", _family, simple(_make))
for _name, _make in DATAGRAMS.items():
    add_framing(f"fifth-{_name}", "fifth datagrams", simple(_make), "udp")


# --- company ---


def _front(name: str, front: Callable[[Random], bytes]) -> None:
    def session(rng: Random) -> Session:
        talk = Session().client(b"open\n").server(front(rng))
        for _ in range(rng.randint(6, 30)):
            data = rng.randbytes(log_uniform(rng, 300, 4000))
            talk.server(struct.pack(">H", len(data)) + data).client(rng.randbytes(rng.randint(30, 90)))
        return talk

    add_shape(f"fifth-behind-{name}", "fifth company", True, session)


_front("photo", lambda rng: still("JPEG", quality=60)(rng.randrange(3))[: rng.randint(4000, 9000)])
_front("program", lambda rng: program()[: rng.randint(6000, 16_000)])
_front("source", lambda rng: source_text(rng, 12_000))
_front("packed-text", lambda rng: zlib.compress(source_text(rng, 20_000)))


@shape("fifth company", covert=True)
def fifth_rows_between(rng: Random) -> Session:
    """One message in four is a JSON row."""
    talk = Session().client(b'{"op":"sub"}\n')
    for n in range(60):
        data = json_line(rng, n) if n % 4 == 3 else rng.randbytes(log_uniform(rng, 100, 900))
        talk.server(struct.pack(">I", len(data)) + data)
    return talk


@shape("fifth company", covert=True)
def fifth_key_of_four(rng: Random) -> Session:
    """Ciphertext under a repeated key, in frames."""
    talk, key = Session(), rng.randbytes(4)
    for n in range(30):
        data = rng.randbytes(log_uniform(rng, 80, 1300))
        mixed = bytes(byte ^ key[at & 3] for at, byte in enumerate(data))
        talk.client(struct.pack("<HH", n, len(data)) + mixed).server(struct.pack("<HH", n, 16) + rng.randbytes(16))
    return talk


@shape("fifth company", covert=True)
def fifth_short_commands(rng: Random) -> Session:
    """Sealed commands of a few bytes and their answers."""
    talk = Session()
    for _ in range(120):
        talk.client(b"\x17" + struct.pack(">H", 21) + rng.randbytes(21))
        talk.server(b"\x17" + struct.pack(">H", size := rng.randint(24, 60)) + rng.randbytes(size))
    return talk


@shape("fifth company", covert=True)
def fifth_upload_behind_a_name(rng: Random) -> Session:
    """One sealed file with its name and size."""
    size = rng.randint(20_000, 60_000)
    return Session().client(b"PUT backup.bin\0" + struct.pack("<Q", size) + rng.randbytes(size)).server(b"OK\n")
