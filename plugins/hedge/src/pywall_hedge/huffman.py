"""The entropy-coded data of a sequential JPEG, decoded as far as it shows that the tables in front are its own (ITU-T
T.81, annex F.2).

Random bytes break off: a coefficient beyond the 64th comes within some ten blocks.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import cycle

Codes = dict[str, tuple[int, int]]
"""Code, as characters 0 and 1, to symbol and length; of a code below 8 bits all 8 bits that begin with it."""

PROOF = 1024
"""Bytes of a scan that are decoded."""
_SHORT, _LONG = 8, 16
"""Bits of a code that are looked up at once, and of the longest."""
_MOST_DC, _MOST_AC = 15, 14
"""Bits of a difference and of a coefficient, of 12-bit samples too."""
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_USUAL = bytes.fromhex(
    "00 00010501010101010100000000000000"
    "000102030405060708090a0b"
    "01 00030101010101010101010000000000"
    "000102030405060708090a0b"
    "10 0002010303020403050504040000017d"
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637"
    "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3"
    "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    "11 00020102040403040705040400010277"
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536"
    "3738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a"
    "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
"""The tables of annex K.3: frames of a camera leave them out."""


def read_tables(segment: bytes) -> dict[int, Codes]:
    """Return the tables of a DHT segment behind its length, by class and number (T.81, B.2.4.2, C.2)."""
    tables: dict[int, Codes] = {}
    place = 0
    while place + 17 <= len(segment):
        key, counts = segment[place], segment[place + 1 : place + 17]
        place += 17
        code = 0
        codes: Codes = {}
        for length, count in enumerate(counts, 1):
            for symbol in segment[place : place + count]:
                for rest in range(1 << max(_SHORT - length, 0)):
                    bits = code << max(_SHORT - length, 0) | rest
                    codes[format(bits, f"0{max(length, _SHORT)}b")] = symbol, length
                code += 1
            place += count
            code <<= 1
        tables[key] = codes
    return tables


@cache
def _usual() -> dict[int, Codes]:
    return read_tables(_USUAL)


@lru_cache(maxsize=16)
def scan_decodes(frame: bytes, tables: bytes, scan: bytes, data: bytes) -> bool:
    """Return whether the beginning of a scan's data decodes with its tables.

    `frame`: a start-of-frame segment of a sequential JPEG behind its length; `tables`: those of all DHT segments;
    `scan`: the header of the scan behind its length; `data`: what follows, at most PROOF bytes.
    """
    codes = _usual() | read_tables(tables)
    sampling = {frame[at]: (frame[at + 1] >> 4) * (frame[at + 1] & 15) for at in range(6, len(frame) - 2, 3)}
    chosen = [(scan[at], scan[at + 1]) for at in range(1, min(2 * scan[0], len(scan) - 1), 2)]
    units: list[tuple[Codes, Codes]] = []
    for component, numbers in chosen:
        each = sampling.get(component, 0) if len(chosen) > 1 else 1
        pair = codes.get(numbers >> 4, {}), codes.get(0x10 | numbers & 15, {})
        units += [pair] * min(each, 16)
    parts = _RESTART.split(data)
    return bool(units) and all(_blocks(part.replace(b"\xff\0", b"\xff"), units) for part in parts)


def _blocks(data: bytes, units: list[tuple[Codes, Codes]]) -> bool:
    """Blocks of the units in turn, until the data ends."""
    bits = bin(int.from_bytes(b"\1" + data, "big"))[3:]
    place = 0
    for difference, coefficients in cycle(units):
        if place + _LONG > len(bits):
            return True
        symbol, length = _symbol(bits, place, difference)
        if not length or symbol > _MOST_DC:
            return False
        place = _behind_coefficients(bits, place + length + symbol, coefficients)
        if not place:
            return False
    return False


def _behind_coefficients(bits: str, place: int, codes: Codes) -> int:
    """Return the offset behind a block's 63 coefficients, that of the end where the bits end, 0 where they are none."""
    number, most = 0, len(bits) - _LONG
    while number < 63:
        if place > most:
            return len(bits)
        symbol, length = _symbol(bits, place, codes)
        size = symbol & 15
        if size == 0 and symbol != 0xF0:
            return place + length if symbol == 0 and length else 0
        number += 1 + (symbol >> 4)
        place += length + size
        if size > _MOST_AC or number > 63:
            return 0
    return place


def _symbol(bits: str, place: int, codes: Codes) -> tuple[int, int]:
    """Return the symbol whose code begins at `place`, and the bits of the code; 0 bits where none does."""
    found = codes.get(bits[place : place + _SHORT])
    if found is not None:
        return found
    for length in range(_SHORT + 1, _LONG + 1):
        if (found := codes.get(bits[place : place + length])) is not None:
            return found
    return 0, 0
