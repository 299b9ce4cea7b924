"""What a DNS message with overwritten bytes still shows (RFC 1035 section 4): enough to be nothing else, or not.

Resolvers and other engines take such messages for DNS by their port; here each of these alone must do: a question of
host name labels, the head of a plain query, the tail of one, a record that points back to the question.
"""

from __future__ import annotations

import re
from typing import Final

from .netbios_name import encoded_name
from .wire import u16

TYPES: Final = frozenset((*range(1, 262), 32768, 32769, *range(0xFF00, 0x10000)))
#: IN, CH, HS, NONE, ANY; in mDNS with the top bit for cache flush, or for a wanted unicast response
CLASSES: Final = frozenset(number | top for number in (1, 3, 4, 254, 255) for top in (0, 0x8000))
#: queries, inverse queries, status, notify, update: the operations that were ever in use
OPERATIONS: Final = frozenset({0, 1, 2, 4, 5})
_RESPONSE: Final = 0x8000  # of the flags
_RESERVED: Final = 0x0040
_WISHES: Final = 0x0130  # recursion, authentic data, checking disabled: all that a query may ask for
_RECURSIVE_QUERY: Final = bytes.fromhex("010000010000")  # flags, one question, no answer
_GTP: Final = 8 + 0x0100  # bytes of a GTP packet whose length would be these flags
_ONE_QUESTION: Final = bytes.fromhex("0001000000000000")
_HEADER: Final = 12
_NAME: Final = 255
#: one byte in so many of a name may be no host name's
_SOUND: Final = 8

_odd = re.compile(rb"[^A-Za-z0-9_-]").findall
#: a record named as the question is, of a type below 256 and class IN
_points_back = re.compile(rb"\xc0\x0c\0[^\0][\0\x80]\x01").search


def worth_waiting(message: bytes) -> bool:
    """Return True if the header is one of a message with a single question: the flow's next datagram may be whole."""
    flags = u16(message, 2)
    return (
        len(message) > _HEADER
        and message[4:6] == b"\0\1"
        and flags >> 11 & 15 in OPERATIONS
        and not flags & _RESERVED
        and flags & 15 <= 10
    )


def evident(message: bytes) -> bool:
    """Return whether a message of more than a header, which is none by the book, can still be nothing else."""
    if encoded_name(message, _HEADER):
        return False
    if (message[2:8] == _RECURSIVE_QUERY and len(message) != _GTP) or _has_question(message):
        return True
    flags = u16(message, 2)
    if flags & _RESPONSE:
        return b"\0\1" in (message[4:6], message[6:8]) and _points_back(message, _HEADER + 1) is not None
    return message[4:12] == _ONE_QUESTION and not flags & ~_WISHES and _ends_as_question(message)


def _has_question(message: bytes) -> bool:
    """Labels of a host name with type and class behind them; or two of them where the counts say one question."""
    at, labels, odd = _HEADER, 0, 0
    end = min(len(message), _HEADER + _NAME)
    while at < end:
        length = message[at]
        if length == 0:
            long = labels > 1 and at > _HEADER + 5
            return long and odd * _SOUND <= at - _HEADER and kind_fits(message[at + 1 : at + 5])
        label = message[at + 1 : at + 1 + length]
        if not length == len(label) <= 63:
            break
        odd += len(_odd(label))
        labels += 1
        at += 1 + length
        if labels == 2 and not odd and message[4:6] == b"\0\1":
            return (message[6:8], message[8:10], message[10:12]).count(b"\0\0") > 1
    return False


def _ends_as_question(message: bytes) -> bool:
    return len(message) > _HEADER + 8 and message[-5] == 0 and kind_fits(message[-4:])


def kind_fits(kind: bytes) -> bool:
    """Return whether the 4 bytes are a question's type and class."""
    return len(kind) == 4 and u16(kind, 0) in TYPES and u16(kind, 2) in CLASSES
