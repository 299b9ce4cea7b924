"""Encodings that make text or sparse bytes of any bytes, undone: what is inside is judged instead.

An encoding counts only where it is most of the payload (`MOST`), and where its alphabet is used as random bytes would
use it; the caller judges the bytes inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import NamedTuple

MOST = 0.6
"""Share of the payload that must be encoded."""
LEAST = 96
"""Encoded bytes below which nothing is undone."""


class Undone(NamedTuple):
    """An encoding's name and the bytes that were inside."""

    name: str
    inner: bytes


_RUNS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("hex", re.compile(rb"(?:[0-9a-f]{2}){12,}|(?:[0-9A-F]{2}){12,}")),
    ("percent", re.compile(rb"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~-]){24,}")),
    ("base32", re.compile(rb"(?:[A-Z2-7]{16,}|[a-z2-7]{16,})={0,6}")),
    ("base64", re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")),
    ("base64url", re.compile(rb"[A-Za-z0-9_-]{24,}={0,2}")),
    ("ascii85", re.compile(rb"[!-uz]{24,}")),
    ("base85", re.compile(rb"[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{24,}")),
)


def undo(data: bytes) -> Undone | None:
    """Return the bytes that the most telling encoding of `data` has inside, or None.

    Text encodings may be broken into lines; around them may stand other text (JSON, headers).
    """
    if len(data) < LEAST:
        return None
    if (wide := _utf16(data)) is not None:
        return undo(wide) or Undone("zero-interleaved", wide)
    if (narrow := _narrow(data)) is not None:
        return narrow
    folded = data.replace(b"\r\n", b"").replace(b"\n", b"") if data.count(b"\n") * 40 < len(data) * 2 else data
    for name, pattern in _RUNS:
        runs = pattern.findall(folded)
        total = sum(map(len, runs))
        if total < LEAST or total < MOST * len(folded):
            continue
        inner = b"".join(filter(None, (_DECODERS[name](run) for run in runs)))
        if name == "percent" and inner.count(b"%") * 3 > len(inner):
            continue
        if len(inner) >= LEAST // 2 and (name != "percent" or total > 1.3 * len(inner)):
            return Undone(name, inner)
    return None


def _utf16(data: bytes) -> bytes | None:
    """Every second byte, where the others are all zero (or one value)."""
    for start in (0, 1):
        other = data[1 - start :: 2]
        if other.count(other[:1]) >= 0.98 * len(other) and other[:1] == b"\0":
            kept = data[start::2]
            if kept.count(b"\0") * 8 < len(kept):
                return kept
    return None


def _narrow(data: bytes) -> Undone | None:
    """Bytes of 5, 6 or 7 bits, all values equally frequent: the bits put together."""
    top = max(data)
    for bits in (5, 6, 7):
        values = 1 << bits
        if top >= values:
            continue
        size = len(data)
        if size < 3 * values:
            return None
        mean = size / values
        chi2 = sum((data.count(value) - mean) ** 2 for value in range(values)) / mean
        if chi2 > values + 6 * (2 * values) ** 0.5:
            return None
        number = 0
        for byte in data[:8192]:
            number = number << bits | byte
        used = min(size, 8192) * bits
        return Undone(f"{bits}-bit", (number >> used % 8).to_bytes(used // 8, "big"))
    return None


def _hex(run: bytes) -> bytes:
    return bytes.fromhex(run.decode())


def _percent(run: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes((int(match[1], 16),)), run)


def _base32(run: bytes) -> bytes:
    text = run.rstrip(b"=").upper()
    text = text[: len(text) // 8 * 8]
    return base64.b32decode(text) if len(set(text)) > 12 or len(text) < 64 else b""


def _base64(run: bytes) -> bytes:
    text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    text = text[: len(text) // 4 * 4]
    digits = sum(text.count(value) for value in b"0123456789")
    if digits * 16 < len(text):  # words of a language have few digits, random ones 10 in 64
        return b""
    return binascii.a2b_base64(text)


def _ascii85(run: bytes) -> bytes:
    if run.startswith(b"<~"):
        run = run[2:]
    run = run.removesuffix(b"~>").removesuffix(b"~").replace(b"z", b"!!!!!")
    return _base85(run, bytes(range(33, 118)))


_B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def _base85(run: bytes, alphabet: bytes = _B85) -> bytes:
    letters = sum(1 for byte in run if 97 <= byte <= 122)
    if letters * 2 > len(run):  # words, not code
        return b""
    place = {value: index for index, value in enumerate(alphabet)}
    out = bytearray()
    for at in range(0, len(run) - 4, 5):
        number = 0
        for byte in run[at : at + 5]:
            number = number * 85 + place.get(byte, 0)
        if number < 1 << 32:
            out += number.to_bytes(4, "big")
    return bytes(out)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "hex": _hex,
    "percent": _percent,
    "base32": _base32,
    "base64": _base64,
    "base64url": _base64,
    "ascii85": _ascii85,
    "base85": _base85,
}


def xor_key(data: bytes, longest: int = 32) -> bytes | None:
    """Return the short key that `data` was combined with by exclusive or, when what is under it is text or zeros.

    The key's length is the shift at which bytes coincide most often; each byte of the key is the one that makes the most frequent
    byte of its column a space or a zero. None when no key leaves text, or a file with many zeros. `data`: 256 bytes or more.
    """
    if len(data) < 256:
        return None
    sample = data[:2048]
    number = len(sample)
    best, rate = 0, 0.0
    for lag in range(1, longest + 1):
        same = sum(a == b for a, b in zip(sample, sample[lag:], strict=False)) / (number - lag)
        if same > 1.15 * rate:
            best, rate = lag, same
    if rate < 0.02:
        return None
    columns = [sample[start::best] for start in range(best)]
    for common in (b" ", b"\0"):
        key = bytes(max(set(column), key=column.count) ^ common[0] for column in columns)
        if not any(key):
            continue
        plain = bytes(byte ^ key[at % best] for at, byte in enumerate(sample))
        printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in plain)
        if printable >= 0.9 * number or plain.count(b"\0") >= 0.15 * number:
            return key
    return None
