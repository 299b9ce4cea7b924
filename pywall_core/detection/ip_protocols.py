"""What the headers of IP protocols other than TCP and UDP say: the facts of a flow whose number is its name.

Never raises: what is cut off has no fact. All of them are of the flow's first packet.
Sources: RFC 792 and 4443 (ICMP), 1112, 2236 and 3376 (IGMP), 4303 (ESP), 4302 (AH), 2784, 2890 and 2637 (GRE), 9260
(SCTP), 3931 (L2TP), 2328 and 5340 (OSPF), 7761 (PIM), 9568 (VRRP), 7868 (EIGRP), 2205 (RSVP), 4340 (DCCP).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from struct import Struct
from typing import Any, Final

from ..model.packet import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP, Packet

Read = Callable[[bytes], "dict[str, Any]"]

_U16 = Struct("!H").unpack_from
_U32 = Struct("!I").unpack_from
#: bytes of the packet's payload that are read
_MOST: Final = 128

_IGMP_TYPES: Final = {0x11: "query", 0x12: "report-v1", 0x16: "report-v2", 0x17: "leave", 0x22: "report-v3"}
_OSPF_TYPES: Final = {1: "hello", 2: "database-description", 3: "request", 4: "update", 5: "acknowledgement"}
_PIM_TYPES: Final = {
    0: "hello",
    1: "register",
    2: "register-stop",
    3: "join-prune",
    4: "bootstrap",
    5: "assert",
    6: "graft",
    7: "graft-ack",
    8: "candidate-rp",
}
_EIGRP_OPCODES: Final = {
    1: "update",
    2: "request",
    3: "query",
    4: "reply",
    5: "hello",
    10: "sia-query",
    11: "sia-reply",
}
_RSVP_TYPES: Final = {
    1: "path",
    2: "resv",
    3: "path-err",
    4: "resv-err",
    5: "path-tear",
    6: "resv-tear",
    7: "resv-conf",
}
_DCCP_TYPES: Final = {
    0: "request",
    1: "response",
    2: "data",
    3: "ack",
    4: "data-ack",
    5: "close-request",
    6: "close",
    7: "reset",
}
_SCTP_CHUNKS: Final = {
    0: "data",
    1: "init",
    2: "init-ack",
    3: "sack",
    4: "heartbeat",
    5: "heartbeat-ack",
    6: "abort",
    7: "shutdown",
    8: "shutdown-ack",
    9: "error",
    10: "cookie-echo",
    11: "cookie-ack",
    14: "shutdown-complete",
    64: "i-data",
}
#: EtherTypes that GRE carries
_ETHER_TYPES: Final = {
    0x0800: "ipv4",
    0x86DD: "ipv6",
    0x6558: "ethernet",
    0x880B: "ppp",
    0x8847: "mpls",
    0x88BE: "erspan",
    0x22EB: "erspan-3",
    0x2001: "nhrp",
    0x883E: "wccp",
}


def _icmp(data: bytes) -> dict[str, Any]:
    return {"type": data[0], "code": data[1]} if len(data) >= 2 else {}


def _igmp(data: bytes) -> dict[str, Any]:
    if len(data) < 8:
        return {}
    facts = {"type": _IGMP_TYPES.get(data[0], str(data[0]))}
    return facts if data[0] == 0x22 else {**facts, "group": _address(data, 4, 4)}


def _esp(data: bytes) -> dict[str, Any]:
    return {"spi": data[:4].hex(), "sequence": _U32(data, 4)[0]} if len(data) >= 8 else {}


def _ah(data: bytes) -> dict[str, Any]:
    if len(data) < 12:
        return {}
    return {"inner": _protocol(data[0]), "spi": data[4:8].hex(), "sequence": _U32(data, 8)[0]}


def _gre(data: bytes) -> dict[str, Any]:
    if len(data) < 4:
        return {}
    flags, protocol = data[0], _U16(data, 2)[0]
    facts = {"version": data[1] & 7, "protocol": _ETHER_TYPES.get(protocol, f"0x{protocol:04x}")}
    at = 8 if flags & 0xC0 else 4  # checksum, routing
    if flags & 0x20 and len(data) >= at + 4:
        if facts["version"] == 1:  # PPTP: length of the payload, and the call
            facts["call_id"] = _U16(data, at + 2)[0]
        else:
            facts["key"] = _U32(data, at)[0]
    return facts


def _sctp(data: bytes) -> dict[str, Any]:
    if len(data) < 16:
        return {}
    facts: dict[str, Any] = {"verification_tag": data[4:8].hex(), "chunk": _SCTP_CHUNKS.get(data[12], str(data[12]))}
    if data[12] in (1, 2) and len(data) >= 20:
        facts["initiate_tag"] = data[16:20].hex()
    elif data[12] == 0 and len(data) >= 28:
        facts["payload_protocol"] = _U32(data, 24)[0]
    return facts


def _inner(data: bytes) -> dict[str, Any]:
    """IP inside IP."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        return {"inner": _protocol(data[9]), "src": _address(data, 12, 4), "dst": _address(data, 16, 4)}
    if len(data) >= 40 and data[0] >> 4 == 6:
        return {"inner": _protocol(data[6]), "src": _address(data, 8, 16), "dst": _address(data, 24, 16)}
    return {}


def _l2tp(data: bytes) -> dict[str, Any]:
    return {"session": _U32(data, 0)[0]} if len(data) >= 4 else {}


def _ospf(data: bytes) -> dict[str, Any]:
    if len(data) < 16:
        return {}
    return {
        "version": data[0],
        "type": _OSPF_TYPES.get(data[1], str(data[1])),
        "router": _address(data, 4, 4),
        "area": _address(data, 8, 4),
    }


def _pim(data: bytes) -> dict[str, Any]:
    if len(data) < 4:
        return {}
    return {"version": data[0] >> 4, "type": _PIM_TYPES.get(data[0] & 15, str(data[0] & 15))}


def _vrrp(data: bytes) -> dict[str, Any]:
    return {"version": data[0] >> 4, "vrid": data[1], "priority": data[2]} if len(data) >= 4 else {}


def _eigrp(data: bytes) -> dict[str, Any]:
    if len(data) < 20:
        return {}
    opcode = _EIGRP_OPCODES.get(data[1], str(data[1]))
    return {"version": data[0], "opcode": opcode, "autonomous_system": _U16(data, 18)[0]}


def _rsvp(data: bytes) -> dict[str, Any]:
    return {"version": data[0] >> 4, "type": _RSVP_TYPES.get(data[1], str(data[1]))} if len(data) >= 8 else {}


def _dccp(data: bytes) -> dict[str, Any]:
    if len(data) < 12:
        return {}
    kind = data[8] >> 1 & 15
    return {"type": _DCCP_TYPES.get(kind, str(kind))}


def _ipcomp(data: bytes) -> dict[str, Any]:
    return {"inner": _protocol(data[0]), "cpi": _U16(data, 2)[0]} if len(data) >= 4 else {}


def _address(data: bytes, at: int, size: int) -> str:
    return str(ip_address(data[at : at + size]))


def _protocol(number: int) -> str:
    """Return the name of an IP protocol; its number as text where it has none."""
    return _NAMES.get(number, str(number))


_NAMES: Final = {**PROTOCOL_NAMES, TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}
_READERS: Final[dict[str, tuple[Read, tuple[str, ...]]]] = {
    "icmp": (_icmp, ("type", "code")),
    "icmpv6": (_icmp, ("type", "code")),
    "igmp": (_igmp, ("type", "group")),
    "esp": (_esp, ("spi", "sequence")),
    "ah": (_ah, ("spi", "sequence", "inner")),
    "gre": (_gre, ("version", "protocol", "key", "call_id")),
    "sctp": (_sctp, ("verification_tag", "chunk", "initiate_tag", "payload_protocol")),
    "ipip": (_inner, ("inner", "src", "dst")),
    "6in4": (_inner, ("inner", "src", "dst")),
    "l2tp": (_l2tp, ("session",)),
    "ospf": (_ospf, ("version", "type", "router", "area")),
    "pim": (_pim, ("version", "type")),
    "vrrp": (_vrrp, ("version", "vrid", "priority")),
    "eigrp": (_eigrp, ("version", "opcode", "autonomous_system")),
    "rsvp": (_rsvp, ("version", "type")),
    "dccp": (_dccp, ("type",)),
    "ipcomp": (_ipcomp, ("inner", "cpi")),
}
#: every fact of an IP protocol, by its dotted name
FACTS: Final = frozenset(f"{name}.{fact}" for name, (_, facts) in _READERS.items() for fact in facts)


def read_facts(packet: Packet) -> dict[str, Any]:
    """Return the facts of a packet that is neither TCP nor UDP, by their dotted names; none where there are none.

    Numbers are integers, addresses and kinds texts; an SPI and a tag are eight hexadecimal digits.
    """
    name = PROTOCOL_NAMES.get(packet.proto)
    reader = _READERS.get(name) if name is not None else None
    if reader is None or packet.related:
        return {}
    data = packet.data[packet.l4 : min(packet.end, packet.l4 + _MOST)]
    return {f"{name}.{fact}": value for fact, value in reader[0](data).items()}
