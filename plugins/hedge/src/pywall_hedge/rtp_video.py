"""Video in RTP packets: H.264 (RFC 6184) and H.265 (RFC 7798), whose slices no statistic tells from ciphertext.

What is looked at is the packets' own: RTP's counters, units and their fragments in order, parameter sets or the
beginning of slices, and no start code within a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .video_units import AVC, HEVC, START_CODE, Codec, Unit

RTP = 0x80
"""First byte of a packet: version 2, no padding, extension or contributing sources (RFC 3550 section 5.1)."""
_HEADER = 12
_DYNAMIC = 96
"""The first payload type without a fixed meaning (RFC 3551 section 3): those of both codecs."""
_SETS = (7, 33)
"""Types of the parameter sets that are read: of a sequence, in H.264 and H.265."""
_SLICES = 2
"""Slices that begin as they must, or fragments of one that was met within, where no parameter sets came."""


class _Format(NamedTuple):
    """How a codec's units are packed: the types of a packet of several units and of a fragment, and the mask of a
    fragment's type."""

    codec: Codec
    several: int
    fragment: int
    kinds: int


_FORMATS = (_Format(AVC, 24, 28, 31), _Format(HEVC, 48, 49, 63))


def video_in_rtp(messages: Sequence[bytes], *, cut: bool = False) -> bool:
    """Return True if ``messages`` are packets of one RTP stream with H.264 or H.265. ``cut``: the last is cut off."""
    if not _one_stream(messages):
        return False
    return any(_is_packed(form, messages, cut) for form in _FORMATS)


def _one_stream(messages: Sequence[bytes]) -> bool:
    if not messages or any(len(message) < _HEADER + 3 or message[0] != RTP for message in messages):
        return False
    first = messages[0]
    number = int.from_bytes(first[2:4], "big")
    return first[1] & 0x7F >= _DYNAMIC and all(
        message[1] & 0x7F == first[1] & 0x7F
        and message[8:12] == first[8:12]
        and int.from_bytes(message[2:4], "big") == (number + at) & 0xFFFF
        for at, message in enumerate(messages)
    )


def _is_packed(form: _Format, messages: Sequence[bytes], cut: bool) -> bool:
    """Return True if the payloads are units, several of them or fragments of one, and enough begin as they must."""
    packing = _Packing(form)
    last = len(messages) - 1
    fits = all(packing.add(message, cut and number == last) for number, message in enumerate(messages))
    return fits and packing.is_proved(last + 1)


class _Packing:
    """Units as they come out of the packets of one stream."""

    __slots__ = ("_begun", "_codec", "_form", "_open", "_sets", "_slices", "_time", "_within")

    def __init__(self, form: _Format) -> None:
        self._codec, self._form = form.codec, form
        #: type and time of the unit whose fragments come
        self._open: tuple[int, bytes] | None = None
        self._begun = False
        self._time = b""
        self._sets = self._slices = 0
        #: fragments of the unit that was met within: of one type, at one time
        self._within = 0

    def is_proved(self, number: int) -> bool:
        """Return True if enough of ``number`` packets begin as they must; the second contradicts one alone."""
        return self._sets > 0 or self._slices + self._within >= min(number, _SLICES)

    def add(self, message: bytes, cut: bool) -> bool:
        """Return True if the packet may follow those before it. ``cut``: its end is missing."""
        time, payload = message[4:8], message[_HEADER:]
        first, self._time = time != self._time, time
        kind = self._codec.kind(payload)
        if payload[0] & 0x80:
            return False
        if kind == self._form.fragment:
            units = self._fragment(payload, time)
        elif self._open is not None:
            return False
        elif kind == self._form.several:
            units = _units(self._codec, payload, cut)
        else:
            units = [Unit(kind, payload[self._codec.header :])] if kind < self._form.several else None
        self._begun = True
        for unit in units or ():
            proof = None if START_CODE(unit.body) else self._codec.proves(unit, first)
            if proof is None:
                return False
            if proof and unit.kind in _SETS:
                self._sets += 1
            elif proof:
                self._slices += 1
                first = False
        return units is not None

    def _fragment(self, payload: bytes, time: bytes) -> list[Unit] | None:
        """Return the unit that begins here, if one does; None where the fragment continues none."""
        mark, body = payload[self._codec.header], payload[self._codec.header + 1 :]
        begins, ends, kind = bool(mark & 0x80), bool(mark & 0x40), mark & self._form.kinds
        met_within = not self._begun and not begins
        expected = None if begins else (kind, time)
        if (begins and ends) or START_CODE(body) or not (self._open == expected or met_within):
            return None
        self._open = None if ends else (kind, time)
        self._within += not self._slices and not begins
        return [Unit(kind, body)] if begins else []


def _units(codec: Codec, payload: bytes, cut: bool) -> list[Unit] | None:
    """Return the units of a packet of several; None where their sizes do not fill it."""
    units = []
    at = codec.header
    while at + 2 + codec.header <= len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + size]
        if size <= codec.header or unit[0] & 0x80 or START_CODE(unit):
            return None
        units.append(Unit(codec.kind(unit), unit[codec.header :]))
        at += 2 + size
    return units if cut or at == len(payload) else None
