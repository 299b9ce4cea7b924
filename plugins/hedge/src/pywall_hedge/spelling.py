"""Bytes written out in text, each by itself: as pairs of hexadecimal digits, as decimal numbers, as escapes among
literal characters, or as characters of a wider alphabet.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable

LEAST = 96
"""Bytes of text below which nothing is decoded."""
MOST = 0.6
"""Share of the text that must be encoded."""

_PAIRS = re.compile(rb"(?:(?:0x|\\x|\\u00|&#x)?[0-9A-Fa-f]{2}(?:[\s,:;|.-]|, ){0,2}){12,}")
_PAIR = re.compile(rb"(?:0x|\\x|\\u00|&#x)?([0-9A-Fa-f]{2})")
_QUADS = re.compile(rb"(?:(?:%u|\\u|U\+|0x)[0-9A-Fa-f]{4}[\s,;]{0,2}){8,}")
_QUAD = re.compile(rb"(?:%u|\\u|U\+|0x)([0-9A-Fa-f]{4})")
_DUMP = re.compile(rb"^[0-9A-Fa-f]{4,8}(?::|  )[ \t]*", re.MULTILINE)
_BITS = re.compile(rb"[01]{8,}")
_TOKEN = re.compile(rb"[0-9A-Fa-f]{16,}")
_NUMBERS = re.compile(rb"(?:[0-9]{1,3}[\s,;:|.]{1,2}){16,}")
_ESCAPES = (
    (re.compile(rb"%([0-9A-Fa-f]{2})"), 16),
    (re.compile(rb"=([0-9A-F]{2})"), 16),
    (re.compile(rb"\\(?:x|u00)([0-9A-Fa-f]{2})"), 16),
    (re.compile(rb"&#x([0-9A-Fa-f]{1,2});"), 16),
    (re.compile(rb"&#([0-9]{1,3});"), 10),
    (re.compile(rb"\\([0-3][0-7]{2})"), 8),
)
_NAMED = re.compile(rb"""\\([nrtbfv0"'\\/])""")
_NAMES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b"\0"}
_UNBROKEN = re.compile(rb"=\r?\n")
_UU = re.compile(rb"^[!-M][ -`]{4,60}\r?$", re.MULTILINE)
_DIGEST = frozenset((32, 36, 40, 56, 64, 96, 128))
"""Hexadecimal digits of identifiers and digests, 128 to 512 bits."""
_REST = 0.05
"""Share of other text beside digests that makes them names of things."""


def _values(digits: list[bytes], base: int) -> bytes:
    return bytes(value for digit in digits if (value := int(digit, base)) < 256)


def hexadecimal(text: bytes) -> bytes | None:
    """Return the bytes of pairs of digits, run together or apart (``0a:1f``, ``0x0a, 0x1f``, lines of a dump), of four
    digits behind a mark (``%u0a1f``), or None."""
    quads = b"".join(_QUADS.findall(text))
    if len(quads) >= max(LEAST, MOST * len(text)):
        return bytes.fromhex(b"".join(_QUAD.findall(quads)).decode())
    if 2 * len(_DUMP.findall(text)) > text.count(b"\n") > 1:
        text = _DUMP.sub(b"", text)
    runs = _PAIRS.findall(text)
    total = sum(map(len, runs))
    if total < LEAST or total < MOST * len(text):
        return None
    digits = [digit for run in runs for digit in _PAIR.findall(run)]
    if len({*b"".join(digits).lower()}) < 14:
        return None
    return _values(digits, 16)


def decimal(text: bytes) -> bytes | None:
    """Return the bytes of a list of decimal numbers from 0 to 255, or None."""
    runs = _NUMBERS.findall(text)
    if sum(map(len, runs)) < max(LEAST, MOST * len(text)):
        return None
    numbers = [number for run in runs for number in re.findall(rb"[0-9]+", run)]
    if {*map(len, numbers)} == {3} and not set(b"".join(numbers)) & set(b"89"):
        return _values(numbers, 8)
    values = _values(numbers, 10)
    return values if len(values) == len(numbers) and max(values) > 127 else None


def binary(text: bytes) -> bytes | None:
    """Return the bytes of digits 0 and 1, eight a byte, or None."""
    digits = b"".join(_BITS.findall(text))
    if len(digits) < max(8 * LEAST, 0.8 * len(text)):
        return None
    return int(digits[: len(digits) // 8 * 8], 2).to_bytes(len(digits) // 8, "big")


def lists_digests(text: bytes) -> bool:
    """Return True for digests of one size in a list of names (sums of files, identifiers).

    They stand for things, nobody sends anything in them.
    """
    tokens = _TOKEN.findall(text)
    total = sum(map(len, tokens))
    inner = tokens[1:-1] or tokens
    return {*map(len, inner)} <= _DIGEST and 2 * total > len(text) and total < (1 - _REST) * len(text)


def escaped(text: bytes) -> bytes | None:
    """Return text with its commonest sort of escapes replaced (``%0A``, ``=0A``, ``\\x0a``, ``\\u000a``, ``&#10;``).

    None without any that count: one in a hundred bytes.
    """
    sample = text[:4096]
    number, pattern, base = max(((len(p.findall(sample)), p, b) for p, b in _ESCAPES), key=lambda found: found[0])
    if number * 100 < len(sample) or len(text) < LEAST:
        return None
    if pattern is _ESCAPES[1][0]:
        text = _UNBROKEN.sub(b"", text)
    out = pattern.sub(lambda match: bytes((int(match[1], base) & 255,)), text)
    return _NAMED.sub(lambda match: _NAMES.get(match[1], match[1]), out) if b"\\" in pattern.pattern[:1] else out


def uuencoded(text: bytes) -> bytes | None:
    """Return what uuencoded lines hold (POSIX uuencode), or None."""
    lines = _UU.findall(text)
    if sum(map(len, lines)) < max(LEAST, MOST * len(text)):
        return None
    out = []
    for line in lines:
        try:
            out.append(binascii.a2b_uu(line))
        except ValueError:
            continue
    return b"".join(out) if 2 * len(out) > len(lines) else None


def widened(text: bytes) -> bytes | None:
    """Return one byte for each character of UTF-8 text that has few of them, next to each other, or None.

    ``U+0100`` to ``U+01FF`` may stand for 0 to 255.
    """
    if text.isascii():
        return None
    characters = text.decode("utf-8", "ignore").replace("\n", "").replace("\r", "")
    usual = sorted(set(characters))
    if len(characters) < LEAST or len(usual) < 64:
        return None
    low = ord(usual[0]) if ord(usual[-1]) - ord(usual[0]) < 256 else ord(usual[len(usual) // 2]) - 128
    places = [ord(character) - low for character in characters]
    kept = bytes(place for place in places if 0 <= place < 256)
    return (
        kept if len(kept) * 20 >= 19 * len(characters) and max(map(kept.count, {*kept[:64]})) * 16 < len(kept) else None
    )


SPELLINGS: tuple[tuple[str, Callable[[bytes], bytes | None]], ...] = (
    ("binary", binary),
    ("hex", hexadecimal),
    ("decimal", decimal),
    ("uuencode", uuencoded),
    ("utf-8", widened),
    ("escapes", escaped),
)
"""Name and decoder, the most telling first."""
