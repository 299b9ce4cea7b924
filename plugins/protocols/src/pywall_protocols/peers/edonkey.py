"""eDonkey and eMule: clients and servers over TCP.

:checked: the protocol byte, a length, and a hello or its answer with a plausible number of tags
:source: Kulbak and Bickson, The eMule Protocol Specification (2005), sections 6.2, 6.4
:minimum: 28 to 32 bytes
:facts: message
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_stream

api_version = 1
protocols = ("edonkey",)
transport = "tcp"
tier = "structural"
first_client = b"\xe3\xc5"
first_server = b"\xe3\xc5\xd4"

_u32 = Struct("<I").unpack_from
_HELLO: Final = 0x01
_HELLO_ANSWER: Final = 0x4C
_EMULE_INFO: Final = (0x01, 0x02)
_ID_CHANGE: Final = 0x40
_SERVER_MESSAGE: Final = 0x38
_MAX_LENGTH: Final = 1 << 16
_MAX_TAGS: Final = 32


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect eDonkey."""
    return by_stream("edonkey", _message, client, server, proved=belonging(client, server, 6, _size, _message, _belong))


def _size(data: bytes) -> int:
    return 5 + int(_u32(data, 1)[0])


def _belong(one: bytes, other: bytes) -> bool:
    """Two kinds of messages: a hello has an answer of its own."""
    return one[5] != other[5]


def _message(data: bytes) -> Evidence:
    if data[0] not in first_server or (len(data) > 4 and data[4]):
        return NO
    if len(data) < 6:
        return MORE
    length = _u32(data, 1)[0]
    kind = data[5]
    if data[0] == 0xC5:
        holds = kind in _EMULE_INFO and 6 <= length < 512
        if len(data) < 12:
            return MORE if holds else NO
        return {"message": "emule_info"} if holds and _u32(data, 8)[0] < _MAX_TAGS else NO
    if kind in (_ID_CHANGE, _SERVER_MESSAGE):
        return _from_server(data, kind, length)
    if data[0] == 0xD4 or kind not in (_HELLO, _HELLO_ANSWER) or not 27 <= length < _MAX_LENGTH:
        return NO
    # between clients the hash's length, 16, precedes it
    at = 29 if kind == _HELLO and len(data) > 6 and data[6] == 16 else 28
    if len(data) < at + 4:
        return MORE
    return {"message": "hello"} if _u32(data, at)[0] < _MAX_TAGS else NO


def _from_server(data: bytes, kind: int, length: int) -> Evidence:
    if kind == _ID_CHANGE:
        return {"message": "id_change"} if length in (5, 9, 13, 17, 21) else NO
    if len(data) < 8:
        return MORE
    return {"message": "server_message"} if int.from_bytes(data[6:8], "little") == length - 3 else NO
