"""The short key of text or sparse bytes that were combined with it by exclusive or."""

from __future__ import annotations

from typing import Final

_PRINTABLE: Final = bytes([*range(32, 127), 9, 10, 13])


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
