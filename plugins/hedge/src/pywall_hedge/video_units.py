"""Units of H.264 and H.265 video, whose slices no statistic tells from ciphertext: what they begin with, and how a film
holds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

START_CODE = re.compile(rb"\0\0[\0-\2]").search
"""What a unit has emulation prevention against (ITU-T H.264 section 7.4.1)."""
_PROFILES = frozenset((44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 138, 139, 134, 135, 244))
_LEVELS = frozenset((9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62))


class Unit(NamedTuple):
    """The beginning of a unit, or of a part of one: type, and what is behind its header."""

    kind: int
    body: bytes


def exp_golomb(data: bytes, count: int) -> list[int]:
    """Return the first ``count`` numbers ue(v) of ``data`` (ITU-T H.264 section 9.1), fewer where it is too short."""
    size = min(len(data), 16) * 8
    bits = int.from_bytes(data[:16], "big")
    found: list[int] = []
    at = 0
    while len(found) < count and at < size:
        left = bits & ((1 << size - at) - 1)
        zeros = size - at - left.bit_length()
        if at + 2 * zeros + 1 > size:
            break
        at += 2 * zeros + 1
        found.append((left >> size - at) - 1)
    return found


def begins_avc(unit: Unit, first: bool) -> bool | None:
    """Return True for a unit of H.264 that begins as its type must, None for one that contradicts it, False for others.
    ``first``: the first slice of a picture.
    """
    kind, body = unit
    if kind == 7:  # section 7.3.2.1.1
        known = len(body) >= 4 and body[0] in _PROFILES and not body[1] & 3 and body[2] in _LEVELS
        return True if known and exp_golomb(body[3:], 1)[:1] <= [31] else None
    if kind not in (1, 5):
        return False
    numbers = exp_golomb(body, 3)  # first macroblock, type, parameter set: section 7.3.3
    if len(numbers) < 3 or numbers[1] > 9 or numbers[2] > 255 or (first and numbers[0]):
        return None
    return None if kind == 5 and numbers[1] % 5 not in (2, 4) else True


def begins_hevc(unit: Unit, first: bool) -> bool | None:
    """As :func:`begins_avc`, for H.265."""
    kind, body = unit
    if kind == 33:  # section 7.3.2.2.1
        known = len(body) >= 4 and body[0] >> 1 & 7 < 7 and not body[1] & 0xC0 and 0 < body[1] & 31 < 12
        return True if known else None
    if not (kind < 10 or 16 <= kind < 22):
        return False
    return None if not body or (first and not body[0] & 0x80) else True  # section 7.3.6.1


class Codec(NamedTuple):
    """What both ways of packing units need: bytes of a unit's header, the type in it, and whether a unit is a parameter
    set or begins a slice (True), or contradicts its type (None).
    """

    header: int
    kind: Callable[[bytes], int]
    proves: Callable[[Unit, bool], bool | None]


AVC = Codec(1, lambda unit: unit[0] & 31, begins_avc)
HEVC = Codec(2, lambda unit: unit[0] >> 1 & 63, begins_hevc)

#: bytes of sound between two pictures of a film, as chunks have them
_MOST_SOUND = 16384
_MANY = 8


#: what a unit begins with, its length of four bytes before it: at most 1 MiB, and a header of a type that films have
_AVC_UNIT = re.compile(rb"(?=\0[\0-\x0f]..[\x01\x05-\x09\x21\x25\x27\x28\x41\x45\x61\x65\x67\x68])", re.DOTALL)
_HEVC_UNIT = re.compile(rb"(?=\0[\0-\x0f]..[\0-\x2a\x40-\x50]\x01)", re.DOTALL)


def are_units(body: bytes) -> bool:
    """Return True if what a film holds are units of a video, each with its length of four bytes (ISO/IEC 14496-15
    section 4.3.2), slices among them, as far as ``body`` goes; sound may stand between them.
    """
    return _fill(AVC, _AVC_UNIT, body) or _fill(HEVC, _HEVC_UNIT, body)


def _fill(codec: Codec, begins: re.Pattern[bytes], body: bytes) -> bool:
    """Return True if several units in a row begin within each ``_MOST_SOUND`` bytes. One alone is enough where all that
    is there begins with it, or behind many others, if it goes on to the end.
    """
    at = slices = 0
    while not slices or len(body) - at > _MOST_SOUND:
        for found in begins.finditer(body, at, at + _MOST_SOUND):
            begin = found.start()
            end, units, number = _chain(codec, begins, body, begin)
            if number and (units > 1 or (end >= len(body) and (not begin or slices >= _MANY))):
                at, slices = end, slices + number
                break
        else:
            return False
    return True


def _chain(codec: Codec, begins: re.Pattern[bytes], body: bytes, at: int) -> tuple[int, int, int]:
    """Return where the units that begin at ``at`` end, how many they are, and how many slices."""
    units = slices = 0
    while begins.match(body, at):
        size = int.from_bytes(body[at : at + 4], "big")
        unit = body[at + 4 : at + 4 + size]
        if size <= codec.header or START_CODE(unit):
            break
        proof = codec.proves(Unit(codec.kind(unit), unit[codec.header :]), False)
        if proof is None:
            break
        units, slices, at = units + 1, slices + proof, at + 4 + size
    return at, units, slices
