"""Port mappings at a router: NAT-PMP and its successor PCP.

:checked: version, operation, and the length that belongs to them; an answer to the same operation
:source: RFC 6886 section 3 (NAT-PMP); RFC 6887 section 7 (PCP)
:minimum: the first datagram, 2 bytes
:facts: operation
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request

api_version = 1
protocols = ("nat-pmp", "pcp")
unseen = ("pcp",)
transport = "udp"
tier = "structural"
first_client = b"\0\2"
first_server = b"\0\2"

_NAT_PMP, _PCP = 0, 2
_OPERATIONS: Final = {0: "external-address", 1: "map-udp", 2: "map-tcp"}
_PCP_OPERATIONS: Final = {0: "announce", 1: "map", 2: "peer", 3: "authentication"}
_PCP_HEADER: Final = 24
_LONGEST_PCP: Final = 1100
_RESPONSE: Final = 0x80
_MAPPED: Final = bytes(10) + b"\xff\xff"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect NAT-PMP and PCP."""
    name = "pcp" if client[:1] == b"\2" else "nat-pmp"
    return by_request(name, _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    if len(data) < 2:
        return NO
    if data[0] == _PCP:
        holds = (
            _PCP_HEADER <= len(data) <= _LONGEST_PCP
            and len(data) % 4 == 0
            and not any(data[2:4])
            and _has_address(data)
        )
        operation = _PCP_OPERATIONS.get(data[1])
        return {"operation": operation} if holds and operation else NO
    asks_address = data[1] == 0 and len(data) == 2
    asks_port = data[1] in (1, 2) and len(data) == 12 and not any(data[2:4])
    return {"operation": _OPERATIONS[data[1]]} if asks_address or asks_port else NO


def _has_address(data: bytes) -> bool:
    """Return True if the client's address is one of IPv4, mapped, or a unicast one of IPv6. RIP has others there."""
    return data[8:20] == _MAPPED or (data[8] >> 4 in (2, 3, 15) and any(data[12:20]))


def _answers(request: bytes, answer: bytes) -> Answer:
    if len(answer) < 2 or answer[0] != request[0] or answer[1] != request[1] | _RESPONSE:
        return NO
    if answer[0] == _PCP:  # epoch, then twelve reserved bytes that are zero
        return YES if len(answer) >= _PCP_HEADER and len(answer) % 4 == 0 and not any(answer[12:24]) else NO
    return YES if len(answer) == (12 if request[1] == 0 else 16) and not answer[2] else NO
