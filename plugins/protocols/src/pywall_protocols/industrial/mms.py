"""Manufacturing Message Specification (ISO 9506), which IEC 61850 uses, over TPKT.

:checked: behind the opening of the transport connection a session that connects with the MMS syntax, session data
    around a confirmed or unconfirmed MMS message, or an MMS message straight on the transport
:source: ISO 9506-2 clause 6; ISO 8327 clause 8.3 (session); ISO 8823 clause 8.2 (presentation); RFC 1006
:minimum: 39 bytes or the whole packet, behind the opening
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream
from ..parsing.tpkt import user_data
from ..parsing.wire import cut, tlv

api_version = 1
protocols = ("mms",)
transport = "tcp"
tier = "structural"
first_client = b"\3"
first_server = b"\3"

_CONNECT: Final = (0x0D, 0x0E)
#: give tokens, then data transfer
_DATA: Final = b"\1\0\1\0"
#: OID 1.0.9506.2, of the abstract syntax
_SYNTAX: Final = b"\x28\xca\x22\x02"
_ASN1_USER_DATA: Final = 0x61
#: bytes within which session, presentation and the message's own tag lie
_PRESENTED: Final = 32
#: initiate request, response and error; confirmed request, response and error, unconfirmed, reject, conclude
_INITIATES: Final = range(0xA8, 0xAB)
_MESSAGES: Final = frozenset((*range(0xA0, 0xA5), *_INITIATES, 0x8B, 0x8C))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MMS."""
    return by_stream("mms", _packet, client, server)


def _packet(data: bytes) -> Evidence:
    found = user_data(data)
    if isinstance(found, Answer):
        return found
    at, end = found
    if len(data) < min(end, at + _PRESENTED):
        return MORE
    body = cut(data, at, end)
    if body[0] in _CONNECT:
        if _SYNTAX in body:
            return {}
        return MORE if len(data) < end else NO
    if body.startswith(_DATA):
        return {} if _is_presented(body) else NO
    # no session: the message's own tag, over a length that is the packet's
    whole = tlv(body, 0)
    return {} if body[0] in _INITIATES and whole is not None and at + whole[2] == end else NO


def _is_presented(body: bytes) -> bool:
    """Presentation data that holds one MMS message: fully encoded, a list, a context, a single ASN.1 value."""
    at = len(_DATA)
    for tag in (_ASN1_USER_DATA, 0x30):
        found = tlv(body, at)
        if found is None or found[0] != tag:
            return False
        at = found[1]
    context = tlv(body, at)
    if context is None or context[0] != 2 or context[2] > len(body):
        return False
    value = tlv(body, context[2])
    return value is not None and value[0] == 0xA0 and value[1] < len(body) and body[value[1]] in _MESSAGES
