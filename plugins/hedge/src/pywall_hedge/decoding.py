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


_PRINTABLE = bytes([*range(32, 127), 9, 10, 13])


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
    if len(data) < LEAST or data.count(b" ") * 12 > len(data):  # words with spaces between them
        return None
    folded = data.replace(b"\r\n", b"").replace(b"\n", b"") if data.count(b"\n") * 40 < len(data) * 2 else data
    url = b"-" in folded or b"_" in folded
    for name, pattern in _RUNS:
        if name == "ascii85" and (narrow := _narrow(data)) is not None:
            return narrow
        if name == "base64" and url:
            continue
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


def without_zeros(payload: bytes) -> bytes | None:
    """Return the other bytes of a payload in which every second byte is zero, wherever a line's end shifts them; else
    None.
    """
    zeros = payload.count(0)
    if not 0.4 * len(payload) <= zeros <= 0.56 * len(payload) or bytes(5) in payload:
        return None
    return payload.replace(b"\0", b"")


def _narrow(data: bytes) -> Undone | None:
    """Return bytes of 4 to 7 bits: an alphabet of 16, 32, 64 or 128 values, all equally frequent; the places in the
    alphabet put together.

    Which value stands for which bits does not matter to the question whether they are random.
    """
    counts = {value: data.count(value) for value in set(data)}
    usual = sorted(value for value, count in counts.items() if count * 4 * len(counts) > len(data))
    bits = (len(usual) - 1).bit_length()
    if not 4 <= bits <= 7 or len(usual) < (1 << bits) - 1 or len(data) < 4 << bits:
        return None
    total = sum(counts[value] for value in usual)
    mean = total / len(usual)
    chi2 = sum((counts[value] - mean) ** 2 for value in usual) / mean
    if total < 0.94 * len(data) or chi2 > len(usual) + 6 * (2 * len(usual)) ** 0.5:
        return None
    places = {value: place for place, value in enumerate(usual)}
    number = used = 0
    out = bytearray()
    for byte in data:
        place = places.get(byte)
        if place is not None:
            number, used = number << bits | place, used + bits
            if used >= 1024:
                used -= 1024
                out += (number >> used).to_bytes(128, "big")
                number &= (1 << used) - 1
    out += (number >> used % 8).to_bytes(used // 8, "big")
    return Undone(f"{bits}-bit", bytes(out))


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
    """Return the short key that `data` was combined with by exclusive or, when what is under it is text or many zeros.

    The key's length is the shift at which bytes coincide most often; each byte of the key makes the most frequent byte
    of its column a space or a zero. None when that leaves neither text nor zeros, or `data` is shorter than 256 bytes.
    """
    sample = data[:2048]
    number = len(sample)
    if number < 256 or _readable(sample):
        return None
    best, rate = 0, 0.02
    for lag in range(1, longest + 1):
        moved = int.from_bytes(sample[lag:], "big") ^ int.from_bytes(sample[:-lag], "big")
        same = moved.to_bytes(number - lag, "big").count(0) / (number - lag)
        if same > 1.15 * rate:
            best, rate = lag, same
    if not best:
        return None
    columns = [sample[start::best] for start in range(best)]
    for common in (b" ", b"\0"):
        key = bytes(max(set(column), key=column.count) ^ common[0] for column in columns)
        plain = bytes(byte ^ key[at % best] for at, byte in enumerate(sample))
        printable = len(plain) - len(plain.translate(None, _PRINTABLE))
        if any(key) and (printable * 10 >= 9 * number or plain.count(0) * 3 >= number):
            return key
    return None


def _readable(data: bytes) -> bool:
    """Text, or a file with many zeros."""
    return len(data.translate(None, _PRINTABLE)) * 10 <= len(data) or data.count(0) * 7 >= len(data)
