"""Covert shapes VI: ciphertext spelled in text and in sparse bytes; written blind."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from random import Random

from .sessions import Session, add_shape, dialogue

# --- spellings ---


def _base_n(alphabet: bytes, block: int, digits: int) -> Callable[[bytes], bytes]:
    """Numbers of ``block`` bytes in ``digits`` letters."""

    def code(data: bytes) -> bytes:
        out = bytearray()
        for at in range(0, len(data) - block + 1, block):
            number, word = int.from_bytes(data[at : at + block], "big"), bytearray()
            for _ in range(digits):
                number, rest = divmod(number, len(alphabet))
                word.append(alphabet[rest])
            out += word[::-1]
        return bytes(out)

    return code


LETTERS = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
QR = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def _yenc(data: bytes) -> bytes:
    out = bytearray()
    for byte in data:
        value = byte + 42 & 255
        out += bytes([61, value + 64 & 255]) if value in (0, 10, 13, 61) else bytes([value])
    return bytes(out)


def _lines(code: Callable[[bytes], bytes], width: int = 76) -> Callable[[bytes], bytes]:
    def make(data: bytes) -> bytes:
        text = code(data)
        return b"".join(text[at : at + width] + b"\n" for at in range(0, len(text), width))

    return make


def _packed_bits(bits: int, high: int) -> Callable[[bytes], bytes]:
    def code(data: bytes) -> bytes:
        number, length = int.from_bytes(data, "big"), len(data) * 8
        return bytes(high | number >> max(length - at - bits, 0) & (1 << bits) - 1 for at in range(0, length, bits))

    return code


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "base85": base64.b85encode,
    "base91-like": _base_n(bytes(range(33, 124)), 13, 16),
    "base58": _base_n(LETTERS, 8, 11),
    "base62": _base_n(DIGITS, 8, 11),
    "base45": _base_n(QR, 2, 3),
    "base36": _base_n(DIGITS[:36].lower(), 8, 13),
    "base32hex": base64.b32hexencode,
    "yenc": _yenc,
    "hex-reversed": lambda d: d.hex().encode()[::-1],
    "hex-colons": lambda d: d.hex(":").encode(),
    "hex-dump": lambda d: b"".join(
        b"%08x  %s\n" % (at, d[at : at + 16].hex(" ").encode()) for at in range(0, len(d), 16)
    ),
    "c-escapes": lambda d: b"".join(b"\\x%02x" % byte for byte in d),
    "percent-u": lambda d: b"".join(
        b"%%u%04x" % number for (number,) in struct.iter_unpack(">H", d[: len(d) // 2 * 2])
    ),
    "bits-as-text": lambda d: b"".join(b"%s" % format(byte, "08b").encode() for byte in d),
    "octal": lambda d: b" ".join(b"%03o" % byte for byte in d),
    "utf-16-be-hex": lambda d: d.hex().encode().decode().encode("utf-16-be"),
    "utf-7": lambda d: d.decode("latin-1").encode("utf-7"),
    "latin-as-utf-8": lambda d: d.decode("latin-1").encode(),
    "seven-bits-high": _packed_bits(7, 0x80),
    "six-bits-0x20": lambda d: bytes(0x20 + (v & 63) for v in _packed_bits(6, 0)(d)),
    "five-bits-low": _packed_bits(5, 0),
    "zeros-two-between": lambda d: b"".join(bytes((byte, 0, 0)) for byte in d),
    "ones-between": lambda d: b"".join(bytes((255, byte)) for byte in d),
    "u32-each": lambda d: b"".join(struct.pack("<I", byte) for byte in d),
    "float-mantissas": lambda d: b"".join(d[at : at + 2] + b"\x80\x3f" for at in range(0, len(d) - 1, 2)),
    "three-in-four": lambda d: b"".join(d[at : at + 3] + b"\0" for at in range(0, len(d), 3)),
}


def _spelled(name: str, code: Callable[[bytes], bytes]) -> None:
    """Messages in lines of text, or in one stream where the spelling is not text."""

    def session(rng: Random) -> Session:
        text = code(b"sample of it").isascii() and "between" not in name
        made = _lines(code) if text and rng.random() < 0.5 and "dump" not in name else code
        return dialogue(rng, lambda d, n, up: made(d) + b"\n" * text, sizes=(200, 2500), total=(3000, 30_000))

    add_shape(f"third-{name}", "third spellings", True, session)


for _name, _code in SPELLINGS.items():
    _spelled(_name, _code)
