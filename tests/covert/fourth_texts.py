"""Covert shapes IX: ciphertext in text as programs write it, and in characters of other scripts; written blind."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import urllib.parse
import uuid
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from .sessions import add_framing

Code = Callable[[bytes, int], bytes]


def _add(name: str, code: Code, sizes: tuple[int, int] = (150, 2500)) -> None:
    add_framing(f"fourth-{name}", "fourth texts", lambda rng: lambda d, n, up: code(d, n), sizes=sizes)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _folded(text: bytes, width: int, start: bytes = b"", end: bytes = b"\r\n") -> bytes:
    return b"".join(start + text[at : at + width] + end for at in range(0, len(text), width))


def _blocks(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data) // size * size, size)]


# --- documents ---

_add("json-values", lambda d, n: json.dumps({"id": n, "key": _b64(d[:16]), "data": _b64(d[16:])}).encode() + b"\n")
_add("json-two-hex", lambda d, n: json.dumps({"iv": d[:12].hex(), "ct": d[12:].hex(), "v": 1}).encode() + b"\n")
_add("json-signed", lambda d, n: json.dumps({"n": n, "d": [b - 128 for b in d]}).encode() + b"\n")
_add("json-words", lambda d, n: json.dumps({"w": [int.from_bytes(b, "big") for b in _blocks(d, 4)]}).encode() + b"\n")
_add("json-latin", lambda d, n: json.dumps({"body": d.decode("latin-1")}).encode() + b"\n")
_add("json-lines-short", lambda d, n: b"".join(
    b'{"i":%d,"c":"%s"}\n' % (i, base64.b64encode(part)) for i, part in enumerate(_blocks(d, 24))
), (300, 3000))  # fmt: skip
_add("xml-base64", lambda d, n: b'<?xml version="1.0"?><msg id="%d"><body enc="b64">%s</body></msg>\n' % (
    n, base64.b64encode(d)
))  # fmt: skip
_add("yaml-folded", lambda d, n: b"- id: %d\n  body: |\n" % n + _folded(base64.b64encode(d), 70, b"    ", b"\n"))
_add("csv-bytes", lambda d, n: b"".join(b",".join(b"%d" % v for v in part) + b"\n" for part in _blocks(d, 16)))
_add("csv-hex-columns", lambda d, n: b"".join(
    b"%d,%s,%s\n" % (n * 100 + i, part[:6].hex().encode(), part[6:].hex().encode())
    for i, part in enumerate(_blocks(d, 22))
))  # fmt: skip
_add("part-raw", lambda d, n: (
    b"--frontier%d\r\nContent-Disposition: form-data; name=f\r\nContent-Type: application/zip\r\n\r\n" % (n % 3)
    + d + b"\r\n"
), (500, 4000))  # fmt: skip
_add("mail-body", lambda d, n: (
    b"From: a@example.org\r\nTo: b@example.org\r\nSubject: report %d\r\nContent-Transfer-Encoding: base64\r\n\r\n" % n
    + _folded(base64.b64encode(d), 76) + b".\r\n"
), (600, 6000))  # fmt: skip
_add("folded-attribute", lambda d, n: b"blob;%d:" % n + _folded(base64.b64encode(d), 74, b" "))
_add("names-of-headers", lambda d, n: b"".join(
    b"X-Part-%d: %s\r\n" % (i, base64.urlsafe_b64encode(part)) for i, part in enumerate(_blocks(d, 45))
) + b"\r\n")  # fmt: skip

# --- spellings ---

_XX = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_91 = b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,./:;<=>?@[]^_`{|}~"'


def _base91(data: bytes) -> bytes:
    out, queue, held = bytearray(), 0, 0
    for byte in data:
        queue |= byte << held
        held += 8
        if held > 13:
            value = queue & 8191
            taken = 13 if value > 88 else 14
            value = queue & (1 << taken) - 1
            queue >>= taken
            held -= taken
            out += bytes((_91[value % 91], _91[value // 91]))
    return bytes(out)


def _yenc(data: bytes, number: int) -> bytes:
    body = bytearray()
    for byte in data:
        value = byte + 42 & 255
        body += bytes([61, value + 64 & 255]) if value in (0, 10, 13, 61) else bytes([value])
    head = b"=ybegin line=128 size=%d name=part%d.bin\r\n" % (len(data), number)
    return head + _folded(bytes(body), 128) + b"=yend size=%d\r\n" % len(data)


_add("base91", lambda d, n: _base91(d) + b"\n")
_add("yenc-article", _yenc, (400, 5000))
_add("ascii85-marked", lambda d, n: base64.a85encode(d, adobe=True, wrapcol=72) + b"\n")
_add("base85-lines", lambda d, n: _folded(base64.b85encode(d), 64, end=b"\n"))
_add("xx-lines", lambda d, n: _folded(base64.b64encode(d).translate(bytes.maketrans(_STANDARD, _XX)), 60, b"h"))
_add("crockford", lambda d, n: base64.b32encode(d).rstrip(b"=").translate(_CROCKFORD) + b"\n")
_add("base64-in-fours", lambda d, n: b" ".join(_blocks(base64.b64encode(d), 4)) + b"\n")
_add("base64-backwards", lambda d, n: base64.b64encode(d).rstrip(b"=")[::-1] + b"\n")
_add("percent-where-needed", lambda d, n: b"p=" + urllib.parse.quote_from_bytes(d).encode() + b"&n=%d\n" % n)
_add("entities", lambda d, n: b"".join(b"&#%d;" % byte for byte in d) + b"\n")
_add("xxd", lambda d, n: b"".join(
    b"%08x: %s  %s\n" % (
        16 * i,
        b" ".join(binascii.hexlify(part[at : at + 2]) for at in range(0, 16, 2)),
        bytes(byte if 32 <= byte < 127 else 46 for byte in part),
    )
    for i, part in enumerate(_blocks(d, 16))
))  # fmt: skip

# --- addresses, words, other scripts ---

_SYLLABLES = [a + b + c for a in "bdfgklmn" for b in "aeio" for c in ("rt", "nd", "ss", "lk", "mp", "x", "ck", "ly")]

_add("quads", lambda d, n: b"".join(b"%s\n" % str(IPv4Address(part)).encode() for part in _blocks(d, 4)))
_add("addresses-of-16", lambda d, n: b"".join(b"%s\n" % str(IPv6Address(part)).encode() for part in _blocks(d, 16)))
_add("uuids", lambda d, n: b"".join(b"%s\n" % str(uuid.UUID(bytes=part)).encode() for part in _blocks(d, 16)))
_add("words", lambda d, n: " ".join(_SYLLABLES[byte] for byte in d).encode() + b"\n")
_add("signs-of-4-bytes", lambda d, n: "".join(chr(0x1F300 + byte) for byte in d).encode() + b"\n")
_add("braille", lambda d, n: "".join(chr(0x2800 + byte) for byte in d).encode() + b"\n")
_add("ideographs", lambda d, n: "".join(
    chr(0x4E00 + value) for part in _blocks(d, 3) for value in divmod(int.from_bytes(part, "big"), 4096)
).encode() + b"\n")  # fmt: skip
_add("utf16-ideographs", lambda d, n: "".join(
    chr(0x4E00 + (value & 0xFFF)) for (value,) in struct.iter_unpack(">H", d[: len(d) // 2 * 2])
).encode("utf-16-le"))  # fmt: skip
_add("labels", lambda d, n: b"".join(
    bytes([len(part)]) + part for part in (
        base64.b32encode(d).lower().rstrip(b"=")[at : at + 60] for at in range(0, len(d) * 8 // 5, 60)
    )
) + b"\1t\7example\3org\0")  # fmt: skip
