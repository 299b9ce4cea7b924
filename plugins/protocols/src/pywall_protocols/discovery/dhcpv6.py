"""Dynamic Host Configuration Protocol for IPv6.

:checked: a known message whose options fill the datagram exactly, with a client or server identifier, an elapsed time,
    an identity association, a list of wanted options, or a relayed message among them
:source: RFC 8415 sections 8, 9, 21; messages and options by IANA's registry
:minimum: the first datagram, 8 bytes
:facts: type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import cut, u16

api_version = 1
protocols = ("dhcpv6",)
transport = "udp"
tier = "structural"
first_client = bytes(range(1, 37))
first_server = first_client

_RELAYS: Final = (12, 13)
#: advertise, reply, relayed reply, and those to lease queries
_ANSWERS: Final = (2, 7, 13, 15, 16, 17)
_MAX_OPTION: Final = 150
#: least lengths of options of which a message has at least one: identifiers, associations, wanted options, elapsed
#: time, a relayed message
_TELLING: Final = {1: 3, 2: 3, 3: 12, 4: 4, 6: 2, 8: 2, 9: 4, 25: 12}
_NAMES: Final = (
    "solicit",
    "advertise",
    "request",
    "confirm",
    "renew",
    "rebind",
    "reply",
    "release",
    "decline",
    "reconfigure",
    "information-request",
    "relay-forw",
    "relay-repl",
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DHCPv6."""
    return by_datagram("dhcpv6", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A question and what a server says, with its number or through its relay (RFC 8415 sections 8, 9; RFC 5007)."""
    end = 34 if one[0] in _RELAYS else 4
    return one[0] not in _ANSWERS and other[0] in _ANSWERS and cut(one, 1, end) == cut(other, 1, end)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 8 or not 1 <= data[0] <= 36:
        return NO
    at = 34 if data[0] in _RELAYS else 4
    informs = False
    while at + 4 <= size:
        option, length = u16(data, at), u16(data, at + 2)
        if not 1 <= option <= _MAX_OPTION or length < _TELLING.get(option, 0):
            return NO
        informs = informs or option in _TELLING
        at += 4 + length
    if at != size or not informs:
        return NO
    return {"type": _NAMES[data[0] - 1]} if data[0] <= len(_NAMES) else {}
