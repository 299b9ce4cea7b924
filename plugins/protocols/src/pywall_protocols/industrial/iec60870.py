"""IEC 60870-5-104: telecontrol of power systems over TCP.

:checked: the start byte and the control field's format; of a numbered frame also the size that its type and number of
    objects give, or the number of the next frame where the type is not known
:source: IEC 60870-5-104:2006 clause 5 (APCI); IEC 60870-5-101:2003 clause 7.2 (ASDU), 7.3 (sizes)
:minimum: 6 bytes, of a numbered frame 9 or the whole frame
:facts: format, type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_stream

api_version = 1
protocols = ("iec60870",)
transport = "tcp"
tier = "exact"
first_client = b"\x68"
first_server = b"\x68"

_START: Final = 0x68
_CONTROL: Final = 4
_MAX_LENGTH: Final = 253
_NUMBERS: Final = 1 << 15
#: activations with their confirmations
_CONFIRMED: Final = ({0x07, 0x0B}, {0x13, 0x23}, {0x43, 0x83})
#: start and stop of transfer and test, activation and confirmation
_FUNCTIONS: Final = frozenset({0x07, 0x0B, 0x13, 0x23, 0x43, 0x83})
#: control field, then type, number of objects, cause (2), common address (2)
_ASDU: Final = 10
_ADDRESS: Final = 3
#: types of information objects by their bytes, without the address
_TYPES: Final = {
    0: (102,),
    1: (1, 3, 45, 46, 47, 70, 100, 101, 105, 113),
    2: (5, 21, 104, 106),
    3: (9, 11, 48, 49, 110, 111),
    4: (2, 4, 51, 122, 124),
    5: (6, 7, 13, 15, 20, 50, 112),
    6: (10, 12, 17, 120),
    7: (18, 19, 103, 121),
    8: (8, 14, 16, 30, 31, 58, 59, 60),
    9: (32, 107),
    10: (34, 35, 38, 61, 62),
    11: (39, 40, 64),
    12: (33, 36, 37, 63),
    13: (126,),
}
_SIZES: Final = {kind: size for size, kinds in _TYPES.items() for kind in kinds}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IEC 60870-5-104."""
    return by_stream("iec60870", _frame, client, server, proved=belonging(client, server, 2, _size, _frame, _belong))


def _size(data: bytes) -> int:
    return 2 + data[1]


def _belong(one: bytes, other: bytes) -> bool:
    """An activation and its confirmation; of numbered frames two types or causes: what is asked for is confirmed."""
    if len(one) < 6 or len(other) < 6:
        return False
    if one[2] & 1 and other[2] & 1:
        return {one[2], other[2]} in _CONFIRMED
    return (one[2] ^ other[2]) & 1 != 0 or one[6:7] + one[8:9] != other[6:7] + other[8:9]


def _frame(data: bytes) -> Evidence:
    if data[0] != _START:
        return NO
    if len(data) < 6:
        return MORE
    length = data[1]
    if not data[2] & 1:
        return _information(data, length)
    kind = _unnumbered(data)
    return {"format": kind} if kind else NO


def _unnumbered(data: bytes, at: int = 0) -> str:
    """The format of the frame at ``at`` that carries no information; nothing where there is none."""
    if data[at + 1] != _CONTROL or data[at + 3]:
        return ""
    if data[at + 2] == 1 and not data[at + 4] & 1:
        return "S"
    return "U" if data[at + 2] in _FUNCTIONS and data[at + 4 : at + 6] == b"\0\0" else ""


def _information(data: bytes, length: int) -> Evidence:
    if data[4] & 1 or not _ASDU <= length <= _MAX_LENGTH:
        return NO
    if len(data) < 9:
        return MORE
    kind, number = data[6], data[7] & 0x7F
    size = _SIZES.get(kind)
    if size is not None:
        addresses = 1 if data[7] & 0x80 else number
        if length == _ASDU + addresses * _ADDRESS + number * size:
            return {"format": "I", "type": kind}
    cause = data[8] & 0x3F
    if not 0 < kind < 128 or not number or not cause:
        return NO
    return _followed(data, length + 2, kind)


def _followed(data: bytes, at: int, kind: int) -> Evidence:
    """A numbered frame of an unknown ``kind`` holds where the next one has the next number, or none."""
    if len(data) > at and data[at] != _START:
        return NO
    if len(data) < at + 6:
        return MORE
    sent, following = (int.from_bytes(data[begin + 2 : begin + 4], "little") >> 1 for begin in (0, at))
    numbered = not data[at + 2] & 1 and following == (sent + 1) % _NUMBERS
    return {"format": "I", "type": kind} if numbered or _unnumbered(data, at) else NO
