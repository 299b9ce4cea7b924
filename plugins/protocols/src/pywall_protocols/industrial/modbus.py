"""Modbus over TCP.

:checked: protocol identifier 0, and a length that fits the function: of a known request or response, of an exception;
    of other functions a second message, or the other side's answer to the same transaction and unit
:source: Modbus Application Protocol 1.1b3 section 6; Modbus Messaging on TCP/IP 1.0b section 3.1.3
:minimum: 8 to 9 bytes
:facts: function
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_stream
from ..parsing.wire import u16

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
_WRITES_ONE: Final = (5, 6)
_WRITES_MANY: Final = (15, 16)
#: encapsulated interface transport, and what it carries where a device's identification is read
_ENCAPSULATED: Final = 43
_IDENTIFICATION: Final = 14
_LENGTH_KNOWN: Final = (*_READS, *_WRITES_ONE, *_WRITES_MANY, 23, *range(_EXCEPTION, 256))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Modbus."""
    answers = _answers(client, server) if len(client) > 7 and len(server) > 7 else NO
    if answers is YES:
        return Match("modbus", {"function": client[7]})
    if answers is MORE:
        return MORE
    proved = belonging(client, server, 8, _size, _message, _belong, _HEADER + _MAX_LENGTH)
    return by_stream("modbus", _message, client, server, proved=proved)


def _answers(client: bytes, server: bytes) -> Answer:
    """YES if both sides begin with one transaction, unit and function, a function whose length nobody knows, and the
    answer is not the question again, which whoever echoes would send."""
    same = client[:4] == server[:4] and client[6:8] == server[6:8]
    if not same or client[7] in _LENGTH_KNOWN or not _is_head(client) or not _is_head(server):
        return NO
    if client[4:6] != server[4:6]:
        return YES
    end = _HEADER + u16(client, 4)
    if len(client) < end or len(server) < end:
        return MORE
    return YES if client[:end] != server[:end] else NO


def _size(data: bytes) -> int:
    return _HEADER + u16(data, 4)


def _belong(one: bytes, other: bytes) -> bool:
    """A response has the request's numbers, and the length that it must have; of what is written to one place it is the
    request again, which proves nothing."""
    if one[:4] != other[:4] or one[6] != other[6] or one[7] != other[7] & ~_EXCEPTION:
        return False
    if other[7] & _EXCEPTION:
        return not one[7] & _EXCEPTION
    if one[7] in _READS:
        return len(one) == 12 and len(other) == 9 + other[8]
    return one[7] not in _WRITES_ONE and len(one) != len(other)


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
    return function == 23 and (length == 3 + data[8] or (len(data) > 16 and length == 11 + data[16]))
