"""Remote Authentication Dial In User Service: authentication, accounting and change of authorisation.

:checked: a known code, a length that is the datagram's or leaves padding, and attributes that fill it exactly, or
    before a broken one any whose value is of its type
:source: RFC 2865 sections 3, 5; RFC 2866; RFC 5176; codes by IANA's registry
:minimum: the first datagram, 20 bytes
:facts: code, user_name, reply_code
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import NO, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import cut, text, u16
from ..transactions.datagrams import RadiusTransactions

api_version = 1
protocols = ("radius",)
transport = "udp"
tier = "structural"

_CODES: Final = {
    1: "access-request",
    2: "access-accept",
    3: "access-reject",
    4: "accounting-request",
    5: "accounting-response",
    11: "access-challenge",
    12: "status-server",
    13: "status-client",
    40: "disconnect-request",
    41: "disconnect-ack",
    42: "disconnect-nak",
    43: "coa-request",
    44: "coa-ack",
    45: "coa-nak",
}
first_client = bytes(_CODES)
first_server = None

#: what answers a request (RFC 2865 section 3, RFC 2866, RFC 5176, RFC 5997)
_ANSWERS: Final = {1: (2, 3, 11), 4: (5,), 12: (2, 3, 5), 40: (41, 42), 43: (44, 45)}
_HEADER: Final = 20
_USER_NAME: Final = 1
_VENDOR_SPECIFIC: Final = 26
_EAP_MESSAGE: Final = 79
#: User-Name, Reply-Message, Called- and Calling-Station-Id, NAS-Identifier, Acct-Session-Id, Connect-Info, NAS-Port-Id
_TEXTS: Final = frozenset({1, 18, 30, 31, 32, 44, 77, 87})
#: attributes of one length: addresses, numbers, CHAP-Password, Message-Authenticator
_FIXED: Final = {3: 19, **dict.fromkeys((4, 5, 6, 7, 8, 12, 27, 28, 40, 41, 45, 46, 61), 6), 80: 18}
_LEAST_TEXT: Final = 5
_PRINTABLE: Final = bytes(range(32, 127))
#: RFC 2865 section 3: bytes beyond the length are padding; more of it than this only behind what is RADIUS for sure
_PADDING: Final = 16


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RADIUS."""
    return by_datagram("radius", _message, flow, client, server, _belong)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow every request."""
    return RadiusTransactions(_CODES)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and what answers it, by its identifier."""
    return one[1] == other[1] and other[0] in _ANSWERS.get(one[0], ())


def _message(data: bytes) -> Evidence:
    if len(data) < _HEADER or data[0] not in _CODES:
        return NO
    size = u16(data, 2)
    if not _HEADER <= size <= len(data):
        return NO
    facts: dict[str, Any] = {"code": _CODES[data[0]]}
    at = _HEADER
    telling = False
    while at + 2 <= size:
        kind, length = data[at], data[at + 1]
        value = cut(data, at + 2, min(at + length, size))
        telling = telling or _tells(kind, length, value)
        if kind == _USER_NAME and telling:
            facts["user_name"] = text(value)
        if length < 2 or kind == 0 or at + length > size:
            break
        at += length
    if len(data) > size + _PADDING:
        return facts if at == size and telling else NO
    return facts if at == size or telling else NO


def begins_again(datagram: bytes) -> bool:
    """Return whether a datagram is a request for sure: servers pass over what was sent before it."""
    facts = _message(datagram)
    return isinstance(facts, dict) and "user_name" in facts


def _tells(kind: int, length: int, value: bytes) -> bool:
    """An attribute whose value is of its type: no other protocol's bytes pass for it."""
    if kind in _TEXTS:
        return len(value) >= _LEAST_TEXT and not value[:_LEAST_TEXT].translate(None, _PRINTABLE)
    if kind in _FIXED:
        return length == _FIXED[kind]
    if kind == _VENDOR_SPECIFIC:
        return len(value) > 5 and value[0] == 0 and any(value[1:4]) and 2 <= value[5] <= len(value) - 4
    return kind == _EAP_MESSAGE and len(value) > 4 and 1 <= value[0] <= 4 and u16(value, 2) == len(value)
