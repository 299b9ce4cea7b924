"""BACnet/IP: building automation.

:checked: the BVLC type, a known function, and a length that is the datagram's and fits the function
:source: ASHRAE 135 annex J (IPv4) section 2; annex U (IPv6) section 2
:minimum: the first datagram, 4 bytes
:facts: function
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16

api_version = 1
protocols = ("bacnet",)
transport = "udp"
tier = "exact"
first_client = b"\x81\x82"
first_server = b"\x81\x82"

_IPV6: Final = 0x82
#: lengths of functions without a network message
_FIXED: Final = {0: 6, 2: 4, 5: 6, 6: 4, 8: 10}
#: where the network message is, by function: behind addresses of who sends it, whom it is for, where it came from
_NETWORKS: Final = {4: 10, 9: 4, 10: 4, 11: 4}
_NETWORKS6: Final = {1: 10, 2: 7, 8: 25, 12: 7}
#: kinds of acknowledgements, errors, rejections
_ACKNOWLEDGED: Final = range(2, 8)
_UNCONFIRMED: Final = b"\x10"
#: stands for messages to routers, which have no such kind
_NETWORK: Final = b"\xff"
_MAX_FUNCTION: Final = 0x0C
#: least length with a network message: header, version, control, and one byte
_LEAST: Final = 7


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect BACnet/IP."""
    return by_datagram("bacnet", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and its acknowledgement, or two services that need none (ASHRAE 135 clauses 6.2, 20.1); two
    functions without them."""
    if one[0] != other[0]:
        return False
    if not (_network(one) and _network(other)):
        return one[1] != other[1]
    asked, answered = _kind(one), _kind(other)
    if asked[:1] == answered[:1] and asked[:1] in (_UNCONFIRMED, _NETWORK):
        return asked != answered
    return bool(asked) and bool(answered) and asked[0] >> 4 == 0 != answered[0] >> 4 in _ACKNOWLEDGED


def _kind(data: bytes) -> bytes:
    """Return the kind of a message behind the network header, of an unconfirmed one and of one to routers the service
    as well."""
    at = _network(data)
    if at + 2 > len(data):
        return b""
    control = data[at + 1]
    at += 2
    for bit in (0x20, 0x08):  # where it goes, where it comes from: network, and an address with its length
        if control & bit:
            at += 3 + (data[at + 2] if at + 2 < len(data) else 0)
    at += 1 if control & 0x20 else 0
    if control & 0x80:
        return _NETWORK + data[at : at + 1]
    kind = data[at : at + 2]
    return kind if kind[:1] == _UNCONFIRMED else kind[:1]


def _network(data: bytes) -> int:
    """Return where the network header is, 0 in a message without one."""
    return (_NETWORKS6 if data[0] == _IPV6 else _NETWORKS).get(data[1], 0)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 4 or data[1] > _MAX_FUNCTION or u16(data, 2) != size:
        return NO
    function = data[1]
    if data[0] == _IPV6:
        return {"function": function} if size >= _LEAST else NO
    if function in (1, 3, 7):  # distribution tables: entries of 10 bytes
        holds = (size - 4) % 10 == 0
    elif function in _FIXED:
        holds = size == _FIXED[function]
    else:
        holds = size >= _LEAST
    return {"function": function} if holds else NO
