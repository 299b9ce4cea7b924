"""The head of a Brotli stream (RFC 7932, section 9.2): bits that only a compressor writes.

Brotli has no magic number. Its first block says how many codes it has, and gives each as lengths that must fill the
code space exactly (sections 3.4 and 3.5).
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final, TypeAlias

from .structure import SAMPLE, Decoded, earned

HEAD: Final = 256
"""Bytes of a head that are looked at; fewer prove nothing."""
PROOF: Final = 2
"""Codes that must be complete."""
_ORDER: Final = (1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15)
"""Order of the code lengths of the code length code (section 3.5)."""
_FIXED: Final = tuple(found for last in ((2, 3), (1, 4), (2, 3), (5, 4)) for found in ((0, 2), (4, 2), (3, 2), last))
"""Code of those lengths by the next four bits, first bit lowest: length, and the bits that say it (section 3.5)."""


_Table: TypeAlias = dict[tuple[int, int], int]


class _ShortError(Exception):
    """The bits end within the head."""


class _NoBrotliError(Exception):
    """No Brotli."""


class _Bits:
    __slots__ = ("left", "number")

    def __init__(self, data: bytes) -> None:
        self.number, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def peek(self, size: int) -> int:
        return self.number & (1 << size) - 1

    def skip(self, size: int) -> None:
        if size > self.left:
            raise _ShortError
        self.number >>= size
        self.left -= size

    def take(self, size: int) -> int:
        value = self.peek(size)
        self.skip(size)
        return value


def brotli(data: bytes) -> bool:
    """Return whether the bytes begin as a Brotli stream that compresses, its first block's codes of lengths complete;
    never raises."""
    return len(data) >= HEAD and _begins(bytes(data[:HEAD])) and _holds(data)


def brotli_behind(data: bytes) -> int | None:
    """Return the size of the own header, 4 or 8 bytes and with a zero as a length has one, that Brotli follows, or
    None."""
    if 0 not in data[:8]:
        return None
    return next((at for at in (4, 8) if brotli(data[at:])), None)


@lru_cache(maxsize=256)
def _begins(head: bytes) -> bool:
    bits, codes = _Bits(head), [0]
    try:
        _head(bits, codes)
    except _NoBrotliError:
        return False
    except _ShortError:
        pass
    return codes[0] >= PROOF


def _holds(data: bytes) -> bool:
    """Return whether the library, where there is one, decodes the bytes, and what comes out is more or no noise."""
    library = _library()
    if library is None:
        return True
    try:
        output = library.Decompressor().process(data)
    except library.error:
        return False
    return earned(len(data), Decoded(len(data), len(output), output[:SAMPLE]))


@cache
def _library() -> Any:
    try:
        return import_module("brotli")
    except ImportError:
        return None


def _head(bits: _Bits, codes: list[int]) -> None:
    """Read the head of the first block; `codes` counts codes that were no simple ones."""
    _window(bits)
    last = bits.take(1)
    if last and bits.take(1):
        raise _NoBrotliError
    nibbles = 4 + bits.take(2)
    if nibbles == 7:  # metadata only
        raise _NoBrotliError
    size = bits.take(4 * nibbles)
    if (nibbles > 4 and size >> 4 * (nibbles - 1) == 0) or (not last and bits.take(1)):  # stored bytes gain nothing
        raise _NoBrotliError
    literals, commands, distances = (_kinds(bits, codes) for _ in range(3))
    postfix = bits.take(2)
    direct = bits.take(4) << postfix
    bits.skip(2 * literals)
    numbers = (_map(bits, codes, 64 * literals), commands, _map(bits, codes, 4 * distances))
    for number, size in zip(numbers, (256, 704, 16 + direct + (48 << postfix)), strict=True):
        for _ in range(number):
            _code(bits, codes, size)


def _window(bits: _Bits) -> None:
    """Skip the size of the window (section 9.1)."""
    if not bits.take(1):
        return
    if bits.take(3):
        return
    if bits.take(3) == 1:  # large windows are an extension
        raise _NoBrotliError


def _number(bits: _Bits) -> int:
    """Return a number from 1 to 256 (section 9.2, NBLTYPES)."""
    if not bits.take(1):
        return 1
    size = bits.take(3)
    return (1 << size) + bits.take(size) + 1


def _kinds(bits: _Bits, codes: list[int]) -> int:
    """Skip the codes of block types and lengths; return the number of types."""
    number = _number(bits)
    if number > 1:
        _code(bits, codes, number + 2)
        symbol = _symbol(bits, _table(_code(bits, codes, 26)))
        bits.skip((2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 24)[symbol])
    return number


def _map(bits: _Bits, codes: list[int], size: int) -> int:
    """Skip a context map (section 7.3); return the number of codes it names."""
    number = _number(bits)
    if number == 1:
        return 1
    runs = 1 + bits.take(4) if bits.take(1) else 0
    table = _table(_code(bits, codes, number + runs))
    place = 0
    while place < size:
        symbol = _symbol(bits, table)
        place += (1 << symbol) + bits.take(symbol) if 0 < symbol <= runs else 1
    if place > size:
        raise _NoBrotliError
    bits.skip(1)
    return number


def _code(bits: _Bits, codes: list[int], size: int) -> list[int]:
    """Read a prefix code for an alphabet of `size` symbols (section 3.4); return the length of each, -1 for one that
    needs no bits."""
    kind = bits.take(2)
    if kind == 1:
        return _simple(bits, size)
    lengths, room, seen = [0] * 18, 32, 0
    for symbol in _ORDER[kind:]:
        length, width = _FIXED[bits.peek(4)]
        bits.skip(width)
        lengths[symbol] = length
        if length:
            room -= 32 >> length
            seen += 1
            if room <= 0:
                break
    if room < 0 or (room > 0 and seen != 1):
        raise _NoBrotliError
    if seen == 1:
        lengths[lengths.index(max(lengths))] = -1
    out = _lengths(bits, _table(lengths), size)
    codes[0] += 1
    return out


def _lengths(bits: _Bits, table: _Table, size: int) -> list[int]:
    """Read the lengths of a code (section 3.5): they must fill the space of 15 bits."""
    out: list[int] = []
    room, before, repeat, again = 32768, 8, 0, -1
    while len(out) < size and room > 0:
        symbol = _symbol(bits, table)
        if symbol < 16:
            out.append(symbol)
            again = -1
            if symbol:
                before = symbol
                room -= 32768 >> symbol
            continue
        width = symbol - 14
        value = before if symbol == 16 else 0
        if again != symbol:
            repeat, again = 0, symbol
        old = repeat
        repeat = (repeat - 2 << width if repeat else 0) + 3 + bits.take(width)
        out += [value] * (repeat - old)
        if value:
            room -= (repeat - old) * (32768 >> value)
    if room or len(out) > size:
        raise _NoBrotliError
    return out


def _simple(bits: _Bits, size: int) -> list[int]:
    number, width = 1 + bits.take(2), max((size - 1).bit_length(), 1)
    symbols = [bits.take(width) for _ in range(number)]
    if max(symbols) >= size or len(set(symbols)) < number:
        raise _NoBrotliError
    deep = bits.take(1) if number == 4 else 0
    lengths = {1: (-1,), 2: (1, 1), 3: (1, 2, 2), 4: (1, 2, 3, 3) if deep else (2, 2, 2, 2)}[number]
    places = dict(zip(symbols, lengths, strict=True))
    return [places.get(symbol, 0) for symbol in range(size)]


def _table(lengths: list[int]) -> _Table:
    """Return the code of these lengths (section 3.2): bits, first one lowest, and their number -> symbol."""
    if -1 in lengths:
        return {(0, 0): lengths.index(-1)}
    out, code = {}, 0
    for length in range(1, max(lengths) + 1):
        for symbol, own in enumerate(lengths):
            if own == length:
                out[int(f"{code:0{length}b}"[::-1], 2), length] = symbol
                code += 1
        code <<= 1
    return out


def _symbol(bits: _Bits, table: _Table) -> int:
    for length in range(16):
        symbol = table.get((bits.peek(length), length))
        if symbol is not None:
            bits.skip(length)
            return symbol
    raise _NoBrotliError
