"""What detectors share: bytes to numbers, datagrams, magic strings, BER, printable facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer

#: Longest text that becomes a fact, in characters.
FACT_LENGTH: Final = 255

#: Bytes as numbers. To look for one in bytes costs a twentieth of looking for bytes: those Python first takes for a
#: number, in vain and with an exception that nobody sees.
NUL: Final = 0x00
LF: Final = 0x0A
CR: Final = 0x0D

#: Bytes of a BER length: servers take leading zeros up to so many (``ber_len_t`` of OpenLDAP).
_LONGEST_LENGTH: Final = 8

#: control characters but tabs
CONTROLS: Final = bytes((*range(9), *range(10, 32), 127))
_HIGH: Final = bytes(range(128, 256))
_UNPRINTABLE: Final = dict.fromkeys((*range(32), *range(127, 160)), ".")


def u16(data: bytes, at: int) -> int:
    """Big-endian 16 bits at ``at``; the caller knows that they are there."""
    return data[at] << 8 | data[at + 1]


def u24(data: bytes, at: int) -> int:
    """Big-endian 24 bits at ``at``; the caller knows that they are there."""
    return data[at] << 16 | data[at + 1] << 8 | data[at + 2]


def u32(data: bytes, at: int) -> int:
    """Big-endian 32 bits at ``at``; the caller knows that they are there."""
    return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def cut(data: bytes, start: int, end: int) -> bytes:
    """``data[start:end]``, empty where the end lies before the start: compiled, the slice itself would raise."""
    return data[start:end] if start < end else b""


def text(raw: bytes | str) -> str:
    """Return a fact's text: printable, at most 255 characters; bytes that are not UTF-8 are read as Latin-1."""
    if isinstance(raw, str):
        decoded = raw
    else:
        if len(raw) > FACT_LENGTH:
            raw = raw[: 4 * FACT_LENGTH]
        try:
            decoded = raw.decode()
        except UnicodeDecodeError:
            decoded = raw.decode("latin-1")
    if len(decoded) > FACT_LENGTH:
        decoded = decoded[:FACT_LENGTH]
    return decoded if decoded.isprintable() else decoded.translate(_UNPRINTABLE)


def has_no_controls(data: bytes) -> bool:
    """Return True unless there are control characters but tabs, whatever the characters' encoding is."""
    return len(data.translate(None, CONTROLS)) == len(data)


def is_text(data: bytes) -> bool:
    """Return True unless there are control characters but tabs, or a quarter is beyond ASCII and not UTF-8 as far as it
    goes."""
    if not has_no_controls(data):
        return False
    if (len(data) - len(data.translate(None, _HIGH))) * 4 <= len(data):
        return True
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def datagrams(data: bytes, sizes: tuple[int, ...]) -> Iterator[bytes]:
    """Yield the payloads joined in ``data`` (``flow.client``, ``flow.client_sizes``), without empty and cut ones."""
    at = 0
    for size in sizes:
        if at + size > len(data):
            return
        if size:
            yield data[at : at + size]
        at += size


def distinct(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``messages`` without those equal to the one before: a capture of two interfaces has each twice."""
    before = b""
    for message in messages:
        if message != before:
            yield message
        before = message


def first_datagram(data: bytes, sizes: tuple[int, ...]) -> bytes:
    """Return the first payload of a direction that is not empty, or nothing."""
    if sizes and 0 < sizes[0] <= len(data):
        return data[: sizes[0]]
    return next(datagrams(data, sizes), b"")


def starts(data: bytes, *magics: bytes) -> Answer:
    """YES when ``data`` begins with one of ``magics``, MORE while it is a beginning of one, else NO."""
    if data.startswith(magics):
        return YES
    for magic in magics:
        if magic.startswith(data):
            return MORE
    return NO


def tlv(data: bytes, at: int, end: int | None = None) -> tuple[int, int, int] | None:
    """Tag byte, start and end of the contents of the BER value at ``at`` (X.690, one-byte tags, definite lengths).

    The end may lie beyond ``data``, which is then cut; None when the header is not all there or is not BER, or when
    the value goes beyond ``end``.
    """
    limit = len(data) if end is None else min(end, len(data))
    if at + 2 > limit:
        return None
    tag = data[at]
    length = data[at + 1]
    start = at + 2
    if length & 0x80:
        width = length & 0x7F
        if not 1 <= width <= _LONGEST_LENGTH or start + width > limit or tag & 0x1F == 0x1F:
            return None
        length = int.from_bytes(data[start : start + width], "big")
        start += width
    elif tag & 0x1F == 0x1F:
        return None
    if end is not None and start + length > end:
        return None
    return tag, start, start + length
