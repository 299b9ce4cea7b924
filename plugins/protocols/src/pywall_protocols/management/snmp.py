"""Simple Network Management Protocol, versions 1, 2c and 3.

:checked: BER from the outer sequence, whose end is the datagram's, to the version, the community and the PDU's tag
    (behind a readable community one of end and tag may be wrong); of version 3 to the flags and the security model
:source: RFC 1157 section 4; RFC 1901 section 3; RFC 1910; RFC 3416 section 3; RFC 3412 section 6
:minimum: the first datagram
:facts: version, community, pdu_type
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import NO, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import cut, text, tlv
from ..transactions.requests import Requests

api_version = 1
protocols = ("snmp",)
transport = "udp"
tier = "exact"
first_client = b"\x30"
first_server = None

_INTEGER: Final = 2
_BYTES: Final = 4
_SEQUENCE: Final = 0x30
#: response and report
_ANSWERS: Final = (0xA2, 0xA8)
#: a flag of version 3 that what is to be answered has and no answer
_REPORTABLE: Final = 4
_PADDING: Final = 8
_HISTORIC: Final = 2  # RFC 1910's version of 2
_LEAST_TEXT: Final = 3
_PRINTABLE: Final = bytes(range(32, 127))
_PDUS: Final = {
    0xA0: "get_request",
    0xA1: "get_next_request",
    0xA2: "response",
    0xA3: "set_request",
    0xA4: "trap_v1",
    0xA5: "get_bulk_request",
    0xA6: "inform_request",
    0xA7: "trap_v2",
    0xA8: "report",
}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SNMP."""
    return by_datagram("snmp", _message, flow, client, server, _belong, always=True)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and what answers it by its number, whose length is each side's choice (RFC 3416 section 4.1, 3412
    section 7.1). Some answers of version 3 ask for an answer."""
    asked, answered = _number(one), _number(other)
    if asked is None or answered is None or asked[0] != answered[0]:
        return False
    return asked[1] != answered[1] or (asked[1] is None and not is_copy(one, other))


def _number(data: bytes) -> tuple[int, bool | None] | None:
    """Return the number of a message and whether it answers, None for what of version 3 may be either; None where
    they are not to be had."""
    outer = tlv(data, 0)
    version = tlv(data, outer[1]) if outer else None
    second = tlv(data, version[2]) if version else None
    if second is None:
        return None
    if second[0] == _SEQUENCE:
        number = tlv(data, second[1], second[2])
        size = tlv(data, number[2], second[2]) if number else None
        flags = tlv(data, size[2], second[2]) if size else None
        if number is None or flags is None or flags[1] >= len(data):
            return None
        return _integer(data, number), None if data[flags[1]] & _REPORTABLE else True
    pdu = tlv(data, second[2])
    number = tlv(data, pdu[1], pdu[2]) if pdu else None
    if pdu is None or number is None or number[0] != _INTEGER:
        return None
    return _integer(data, number), pdu[0] in _ANSWERS


def _integer(data: bytes, value: tuple[int, int, int]) -> int:
    return int.from_bytes(cut(data, value[1], value[2]), "big", signed=True)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Read every message of the client, where a rule asks what they say."""
    return Requests(_facts, _may_be_message)


def _facts(datagram: bytes) -> dict[str, Any] | None:
    facts = _message(datagram)
    return facts if isinstance(facts, dict) else None


def _may_be_message(datagram: bytes) -> bool:
    return datagram[:1] == first_client


def begins_again(datagram: bytes) -> bool:
    """Return whether a datagram is a message for sure: agents pass over what was sent before it."""
    facts = _message(datagram)
    return isinstance(facts, dict) and "pdu_type" in facts


def _message(data: bytes) -> Evidence:
    size = len(data)
    outer = tlv(data, 0)
    if outer is None or outer[0] != _SEQUENCE:
        return NO
    fills = 0 <= size - outer[2] <= _PADDING
    number = tlv(data, outer[1], size)
    if number is None or number[0] != _INTEGER or number[2] - number[1] != 1:
        return NO
    version = data[number[1]]
    second = tlv(data, number[2], size)
    if second is None:
        return NO
    if version == 3:
        return {"version": 3} if fills and _is_version_3(data, second) else NO
    if version > _HISTORIC or second[0] != _BYTES:
        return NO
    community = cut(data, second[1], second[2])
    pdu = tlv(data, second[2])
    known = pdu is not None and pdu[0] in _PDUS
    if not (known and fills) and (len(community) < _LEAST_TEXT or community.translate(None, _PRINTABLE)):
        return NO
    if not (known or fills):
        return NO
    facts: dict[str, Any] = {"version": min(version + 1, 2), "community": text(community)}
    return {**facts, "pdu_type": _PDUS[data[second[2]]]} if known else facts


def _is_version_3(data: bytes, header: tuple[int, int, int]) -> bool:
    """The header's identifier, greatest size, flags of one byte, and security model."""
    tag, at, end = header
    if tag != _SEQUENCE:
        return False
    for expected in (_INTEGER, _INTEGER, _BYTES, _INTEGER):
        field = tlv(data, at, end)
        if field is None or field[0] != expected or (expected == _BYTES and field[2] - field[1] != 1):
            return False
        at = field[2]
    return at == end
