"""Bytes written out in text, each by itself: as pairs of hexadecimal digits, as decimal numbers, as escapes among
literal characters, or as characters of a wider alphabet.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from math import exp
from typing import Final

from .alphabets import HEXADECIMAL, apart, digits_to_bytes, in_runs, share
from .gate import expected_values
from .later import np

LEAST: Final = 96
"""Bytes of text below which nothing is decoded."""
MOST: Final = 0.6
"""Share of the text that must be encoded."""


_PAIRS: Final = re.compile(rb"(?:(?:0x|\\x|\\u00|&#x)?[0-9A-Fa-f]{2}(?:[\s,:;|.-]|, ){0,2}){12,}")
_PAIR: Final = re.compile(rb"(?:0x|\\x|\\u00|&#x)?([0-9A-Fa-f]{2})")
_QUADS: Final = re.compile(rb"(?:(?:%u|\\u|U\+|0x)[0-9A-Fa-f]{4}[\s,;]{0,2}){8,}")
_MARKS: Final = (b"%u", b"\\u", b"U+", b"0x")
"""What each four digits stand behind."""
_QUAD: Final = re.compile(rb"(?:%u|\\u|U\+|0x)([0-9A-Fa-f]{4})")
_DUMP: Final = re.compile(
    rb"^(?:[0-9A-Fa-f]{4,8}(?::|  )[ \t]*|:[0-9A-Fa-f]{8}|S1[0-9A-Fa-f]{6}|S2[0-9A-Fa-f]{8}|S3[0-9A-Fa-f]{10})",
    re.MULTILINE,
)
"""What comes before the bytes of a line: an address; length, address and type of Intel's and Motorola's records."""
_SHIFTED: Final = re.compile(rb'\+[A-Za-z0-9+/]+(?:-|(?=[^A-Za-z0-9+/="\s<]))')
"""A group of UTF-7: ended by a hyphen, or by what is none of its base64."""
_BITS: Final = re.compile(rb"[01]{8,}")
_ADDRESS: Final = re.compile(rb"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![0-9A-Fa-f:])")
_NUMBERS: Final = re.compile(rb"(?:[0-9]{1,3}[\s,;:|.\"']{1,4}){16,}")
_DOTTED: Final = re.compile(rb"(?<![0-9.])([0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
_NOBODYS: Final = frozenset((0, 10, 127, *range(224, 256)))
_ADDRESSES: Final = 48
"""First numbers of IPv4 addresses that no host of the Internet has (RFC 6890), and addresses in which one would occur
if they were random."""
_WIDE: Final = re.compile(rb"(?:-?[0-9]{1,20}[\s,;]{1,2}){12,}")
_INTEGER: Final = re.compile(rb"-?[0-9]+")
_WIDTHS: Final = (1, 2, 4, 8)
"""Bytes of an integer of a program."""
_ESCAPES: Final = (
    (re.compile(rb"%([0-9A-Fa-f]{2})"), 16),
    (re.compile(rb"=([0-9A-F]{2})"), 16),
    (re.compile(rb"\\(?:x|u00)([0-9A-Fa-f]{2})"), 16),
    (re.compile(rb"&#x([0-9A-Fa-f]{1,2});"), 16),
    (re.compile(rb"&#([0-9]{1,3});"), 10),
    (re.compile(rb"\\([0-3][0-7]{2})"), 8),
)
_BEGIN_ESCAPES: Final = (b"%", b"=", b"\\", b"&#")
"""What one of them begins with."""
_NAMED: Final = re.compile(rb"""\\([nrtbfv0"'\\/])""")
_NAMES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b"\0"}
_UNBROKEN: Final = re.compile(rb"=\r?\n")
_UU: Final = re.compile(rb"^[!-M][ -`]{4,60}\r?$", re.MULTILINE)


_BLANKS: Final = b" \t\n\r\f\v,;:|.\"'"
_OF_HEXADECIMAL: Final = HEXADECIMAL + b"SxuU\\&#%+-" + _BLANKS
_OF_UU: Final = bytes(range(32, 97)) + b"\r"
_OF_DECIMAL: Final = b"0123456789" + _BLANKS
_OF_INTEGERS: Final = _OF_DECIMAL + b"-"
"""All characters that a match consists of, so a text with fewer of them needs no search."""
_IN_PAIRS: Final = apart(HEXADECIMAL + b"xu\\&#-" + _BLANKS)


def _values(digits: list[bytes], base: int) -> bytes:
    return bytes(value for digit in digits if (value := int(digit, base)) < 256)


def hexadecimal(text: bytes) -> bytes | None:
    """Return the bytes of pairs of digits, run together or apart (``0a:1f``, ``0x0a, 0x1f``, lines of a dump), of four
    digits behind a mark (``%u0a1f``), or None."""
    if share(text, _OF_HEXADECIMAL) < MOST:
        return None
    marked = any(mark in text for mark in _MARKS)
    quads = b"".join(_QUADS.findall(text)) if marked else b""
    if len(quads) >= max(LEAST, MOST * len(text)):
        return bytes.fromhex(b"".join(_QUAD.findall(quads)).decode())
    lines = text.count(b"\n")
    if lines > 1 and 2 * len(_DUMP.findall(text)) > lines:
        text = _DUMP.sub(b"", text)
    if in_runs(text, _IN_PAIRS, 24) < max(LEAST, MOST * len(text)):
        return None
    runs = _PAIRS.findall(text)
    total = sum(map(len, runs))
    if total < LEAST or total < MOST * len(text):
        return None
    digits = [digit for run in runs for digit in _PAIR.findall(run)]
    if len({*b"".join(digits).lower()}) < 14:
        return None
    return _values(digits, 16)


def addresses(text: bytes) -> bytes | None:
    """Return the bytes of a list of IPv6 addresses, with zeros left out as is usual, or None; no bytes where they are
    those of networks and machines, which begin alike."""
    found = _ADDRESS.findall(text) if text.count(b":") * 8 > len(text) else []
    if sum(map(len, found)) < max(LEAST, MOST * len(text)):
        return None
    if all(len(group) <= 2 for group in b":".join(found).split(b":")):  # pairs of digits with colons
        return None
    inner = []
    for address in found:
        with suppress(ValueError):
            inner.append(IPv6Address(address.decode()).packed)
    if 2 * len(inner) < len(found):
        return None
    begin = {address[0] for address in inner}
    return b"".join(inner) if len(begin) > 8 and 2 * len(begin) > expected_values(len(inner)) else b""


def decimal(text: bytes) -> bytes | None:
    """Return the bytes of a list of decimal numbers from 0 to 255, or None; no bytes where they are those of hosts."""
    if share(text, _OF_DECIMAL) < MOST:
        return None
    runs = _NUMBERS.findall(text)
    if sum(map(len, runs)) < max(LEAST, MOST * len(text)):
        return None
    numbers = [number for run in runs for number in re.findall(rb"[0-9]+", run)]
    if {*map(len, numbers)} == {3} and not set(b"".join(numbers)) & set(b"89"):
        return _values(numbers, 8)
    values = _values(numbers, 10)
    dotted = _DOTTED.findall(text) if text.count(b".") * 2 > len(numbers) else []
    if len(dotted) >= _ADDRESSES and not {*map(int, dotted)} & _NOBODYS:
        return b""
    return values if len(values) == len(numbers) and max(values) > 127 else None


def integers(text: bytes) -> bytes | None:
    """Return the bytes of a list of decimal integers that fill their width (signed bytes, words of 2, 4 or 8 bytes), or
    None: an eighth of them at least is above half of what the width holds, so those that count or measure are none.
    """
    if share(text, _OF_INTEGERS) < MOST:
        return None
    runs = _WIDE.findall(text)
    if sum(map(len, runs)) < max(LEAST, MOST * len(text)):
        return None
    numbers = [int(digits) for run in runs for digits in _INTEGER.findall(run)]
    signed = min(numbers) < 0
    most = max(max(numbers), -1 - min(numbers))
    width = next((width for width in _WIDTHS if most < 1 << 8 * width - signed), None)
    if width is None:
        return None
    half = 1 << 8 * width - signed - 1
    if 8 * sum(number >= half or number < -half for number in numbers) < len(numbers):
        return None
    return b"".join(number.to_bytes(width, "big", signed=signed) for number in numbers)


def binary(text: bytes) -> bytes | None:
    """Return the bytes of digits 0 and 1, eight a byte, or None."""
    if share(text, b"01") < 0.8:
        return None
    digits = b"".join(_BITS.findall(text))
    if len(digits) < max(8 * LEAST, 0.8 * len(text)):
        return None
    return int(digits[: len(digits) // 8 * 8], 2).to_bytes(len(digits) // 8, "big")


def escaped(text: bytes) -> bytes | None:
    """Return text with its commonest sort of escapes replaced (``%0A``, ``=0A``, ``\\x0a``, ``\\u000a``, ``&#10;``).

    None without any that count: one in a hundred bytes.
    """
    sample = text[:4096]
    if 100 * max(map(sample.count, _BEGIN_ESCAPES)) < len(sample):
        return None
    number, pattern, base = max(((len(p.findall(sample)), p, b) for p, b in _ESCAPES), key=lambda found: found[0])
    if number * 100 < len(sample) or len(text) < LEAST:
        return None
    if pattern is _ESCAPES[1][0]:
        text = _UNBROKEN.sub(b"", text)
    out = pattern.sub(lambda match: bytes((int(match[1], base) & 255,)), text)
    return _NAMED.sub(lambda match: _NAMES.get(match[1], match[1]), out) if b"\\" in pattern.pattern[:1] else out


def uuencoded(text: bytes) -> bytes | None:
    """Return what uuencoded lines hold (POSIX uuencode; each is as long as it says, or has a sum behind), or None."""
    if share(text, _OF_UU) < MOST:
        return None
    lines = [line for line in _UU.findall(text) if 0 <= len(line.rstrip()) - 1 - (line[0] - 30) // 3 * 4 <= 1]
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
    """Return the bits of the characters of UTF-8 text that lie next to each other and are all used alike, or None.

    ``U+0100`` to ``U+01FF`` may stand for 0 to 255, ``U+4E00`` to ``U+5DFF`` for 12 bits each. Letters and words of a
    language are not used alike.
    """
    if text.isascii():
        return None
    characters = text.decode("utf-8", "ignore").replace("\n", "").replace("\r", "")
    usual = sorted(set(characters))
    if len(characters) < LEAST or len(usual) < 64:
        return None
    if (span := ord(usual[-1]) - ord(usual[0]) + 1) > 256 and ord(usual[0]) > 127:
        return _even_block(characters, ord(usual[0]), span)
    low = ord(usual[0]) if span <= 256 else ord(usual[len(usual) // 2]) - 128
    places = np.frombuffer(characters.encode("utf-32-le"), "<i4") - low
    kept = places[(places >= 0) & (places < 256)].astype(np.uint8).tobytes()
    if len(kept) * 20 < 19 * len(characters) or max(map(kept.count, {*kept[:64]})) * 16 >= len(kept):
        return None
    return kept


def shifted(text: bytes) -> bytes | None:
    """Return the bytes of UTF-7 (RFC 2152) of which at least half is in its base64, or None: of characters below 256
    one each, of others two."""
    if b"+" not in text:
        return None
    groups = _SHIFTED.findall(text)
    if 80 * len(groups) < len(text) or 2 * sum(map(len, groups)) < len(text):
        return None
    characters = text.decode("utf-7", "ignore")
    narrow = characters.encode("latin-1", "ignore")
    if 20 * len(narrow) >= 19 * len(characters):
        return narrow
    inner = (group[1:].rstrip(b"-") for group in groups)
    return b"".join(base64.b64decode(part + b"===") for part in inner if len(part) % 4 != 1)


def _even_block(characters: str, low: int, span: int) -> bytes | None:
    """The bits of characters that are spread evenly over a block of `span`, or None."""
    number = len(characters)
    if len(set(characters)) < 0.95 * span * (1 - exp(-number / span)):
        return None
    bits = span.bit_length() - (span & span - 1 > 0)
    return digits_to_bytes([ord(character) - low for character in characters], bits)


SPELLINGS: tuple[tuple[str, Callable[[bytes], bytes | None]], ...] = (
    ("binary", binary),
    ("ipv6", addresses),
    ("hex", hexadecimal),
    ("decimal", decimal),
    ("integers", integers),
    ("uuencode", uuencoded),
    ("utf-8", widened),
    ("utf-7", shifted),
    ("escapes", escaped),
)
"""Name and decoder, the most telling first."""
