"""Modbus over TCP.

:checked: protocol identifier 0, and a length that fits the function: of a known request or response, of an exception;
    of other functions a second message, or the other side's answer to the same transaction and unit
:source: Modbus Application Protocol 1.1b3 section 6; Modbus Messaging on TCP/IP 1.0b section 3.1.3
:minimum: 8 to 9 bytes
:facts: function
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, belonging, by_stream, some_belong
from ..parsing.wire import frames, u16

api_version = 1
protocols = ("modbus",)
transport = "tcp"
tier = "structural"
first_client = None
first_server = None

_HEADER: Final = 6
_MAX_LENGTH: Final = 254
_EXCEPTION: Final = 0x80
#: a sequence with four bytes of length, of which Active Directory makes every message
_LDAP: Final = b"\x30\x84"
#: by which the next transaction's number may be greater
_MAX_SKIPPED: Final = 16
_CODES: Final = frozenset((*range(1, 9), 10, 11))
#: read coils, discrete inputs, holding and input registers: four bytes, or a count and as many
_READS: Final = (1, 2, 3, 4)
_READS_WORDS: Final = (3, 4)
_READS_AND_WRITES: Final = 23
_WRITES_ONE: Final = (5, 6)
_WRITES_MANY: Final = (15, 16)
#: encapsulated interface transport, and what it carries where a device's identification is read
_ENCAPSULATED: Final = 43
_IDENTIFICATION: Final = 14
_LENGTH_KNOWN: Final = (*_READS, *_WRITES_ONE, *_WRITES_MANY, _READS_AND_WRITES, *range(_EXCEPTION, 256))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Modbus."""
    if len(client) > 7 < len(server) and client[7] == server[7] not in _LENGTH_KNOWN and _is_pair(client, server):
        return Match("modbus", {"function": client[7]})
    return by_stream("modbus", _message, client, server, proved=belonging(client, server, 8, _size, _belong))


def _is_pair(client: bytes, server: bytes) -> bool:
    """Return True if both begin with one transaction, unit, and a function whose length nobody knows."""
    heads = _is_head(client) and _is_head(server)
    return heads and some_belong(frames(client, 8, _size), frames(server, 8, _size), _belong)


def _size(data: bytes) -> int:
    return _HEADER + u16(data, 4)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and its response: transaction, unit and function are the same, the response is as long as it has to
    be. What is written is said again by the response to it."""
    if one[:4] != other[:4] or one[6] != other[6]:
        return False
    function, size, other_size = one[7], len(one), len(other)
    if other[7] == function | _EXCEPTION != function:
        return other_size == 9 and other[8] in _CODES
    if other[7] != function:
        return False
    if function in _READS:
        if size != 12 or other_size != 9 + other[8]:
            return False
        number = u16(one, 10)
        return other[8] == (number * 2 if function in _READS_WORDS else (number + 7) // 8)
    if function in _WRITES_ONE:
        return False  # the response is the request again
    if function in _WRITES_MANY:
        return size > 13 and size == 13 + one[12] and other_size == 12 and one[8:12] == other[8:12]
    if function == _READS_AND_WRITES:
        return size > 17 and size == 17 + one[16] and other_size == 9 + other[8] and other[8] == u16(one, 10) * 2
    if function == _ENCAPSULATED:
        return size == 11 and other_size > 14 and one[8:10] == other[8:10]
    return size != other_size and min(size, other_size) > 8  # else it may be the request again


def _is_head(data: bytes) -> bool:
    """Return True unless what is there of a header cannot be Modbus'."""
    if data[2:4].strip(b"\0") or data[:2] == _LDAP:
        return False
    return len(data) < 6 or 2 <= u16(data, 4) <= _MAX_LENGTH


def _message(data: bytes) -> Evidence:
    if not _is_head(data):
        return NO
    if len(data) < 9:
        return MORE
    length = u16(data, 4)
    function = data[7]
    if _fits(function, length, data):
        return {"function": function}
    end = _HEADER + length
    if len(data) < end + 7:
        return MORE
    next_transaction = (u16(data, end) - u16(data, 0)) % 65536 <= _MAX_SKIPPED
    again = next_transaction and u16(data, end + 2) == 0 and 2 <= u16(data, end + 4) <= _MAX_LENGTH
    return {"function": function} if again and data[end + 6] == data[6] else NO


def _fits(function: int, length: int, data: bytes) -> bool:
    """Return True if the length is what this function's request or response has; ``data[8]`` is the first byte after
    the function.
    """
    if function & _EXCEPTION:
        return length == 3 and data[8] in _CODES
    if function in _READS:
        return length == 6 or length == 3 + data[8]
    if function in _WRITES_ONE:
        return length == 6
    if function in _WRITES_MANY:
        return length == 6 or (len(data) > 12 and length == 7 + data[12])
    if function == _ENCAPSULATED:
        return data[8] == _IDENTIFICATION and (length == 5 or length >= 8) and (len(data) < 10 or 1 <= data[9] <= 4)
    return function == _READS_AND_WRITES and (length == 3 + data[8] or (len(data) > 16 and length == 11 + data[16]))
