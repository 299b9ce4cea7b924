"""IP protocols have names and facts: what the header of a flow's first packet says."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import decode
from pywall_core.detection.ip_protocols import FACTS, read_facts
from pywall_core.model.packet import PROTOCOL_NAMES
from pywall_core.plugins.facts import CORE_FACTS
from pywall_core.sources.pcap import CaptureError, read
from pywall_core.testing import engine, ip_packet

A, B, ALL = "192.0.2.1", "198.51.100.2", "224.0.0.5"
INNER4 = ip_packet("10.0.0.1", "10.0.0.2", 6, bytes(20))
INNER6 = ip_packet("2001:db8::1", "2001:db8::2", 58, bytes(8))

CASES: list[tuple[int, bytes, dict[str, Any]]] = [
    (1, pack("!BBHHH", 8, 0, 0, 7, 1), {"icmp.type": 8, "icmp.code": 0}),
    (2, b"\x16\0\0\0\xef\1\1\1", {"igmp.type": "report-v2", "igmp.group": "239.1.1.1"}),
    (2, b"\x22\0\0\0\0\0\0\1", {"igmp.type": "report-v3"}),
    (4, INNER4, {"ipip.inner": "tcp", "ipip.src": "10.0.0.1", "ipip.dst": "10.0.0.2"}),
    (41, INNER6, {"6in4.inner": "icmpv6", "6in4.src": "2001:db8::1", "6in4.dst": "2001:db8::2"}),
    (47, b"\0\0\x08\0" + INNER4, {"gre.version": 0, "gre.protocol": "ipv4"}),
    (47, b"\x20\0\x65\x58" + pack("!I", 77) + bytes(20), {"gre.version": 0, "gre.protocol": "ethernet", "gre.key": 77}),
    # PPTP's: key (length 4, call 23), sequence number, as in RFC 2637 section 4.1
    (47, b"\x30\1\x88\x0b" + pack("!HHI", 4, 23, 1) + bytes(4),
     {"gre.version": 1, "gre.protocol": "ppp", "gre.call_id": 23}),
    (50, pack("!II", 0xC0FFEE01, 9) + bytes(40), {"esp.spi": "c0ffee01", "esp.sequence": 9}),
    (51, pack("!BBHII", 6, 4, 0, 0x100, 3) + bytes(12), {"ah.inner": "tcp", "ah.spi": "00000100", "ah.sequence": 3}),
    (132, pack("!HHII", 2905, 2905, 0, 0) + b"\1\0\0\x14" + pack("!I", 0xABCD) + bytes(12),
     {"sctp.verification_tag": "00000000", "sctp.chunk": "init", "sctp.initiate_tag": "0000abcd"}),
    (132, pack("!HHII", 2905, 2905, 5, 0) + b"\0\3\0\x18" + pack("!IHHI", 1, 0, 0, 3) + bytes(8),
     {"sctp.verification_tag": "00000005", "sctp.chunk": "data", "sctp.payload_protocol": 3}),
    (115, pack("!I", 42) + bytes(8), {"l2tp.session": 42}),
    (89, b"\2\1\0\x2c\xc0\0\2\1\0\0\0\1" + bytes(32),
     {"ospf.version": 2, "ospf.type": "hello", "ospf.router": "192.0.2.1", "ospf.area": "0.0.0.1"}),
    (103, b"\x20\0\0\0\0\1\0\2\0\x69", {"pim.version": 2, "pim.type": "hello"}),
    (112, b"\x31\x0a\x64\1\0\x64\0\0\xc0\0\2\x64", {"vrrp.version": 3, "vrrp.vrid": 10, "vrrp.priority": 100}),
    (88, b"\2\5\0\0" + bytes(12) + pack("!HH", 0, 100),
     {"eigrp.version": 2, "eigrp.opcode": "hello", "eigrp.autonomous_system": 100}),
    (46, b"\x10\1\0\0\xff\0\0\x08", {"rsvp.version": 1, "rsvp.type": "path"}),
    (33, pack("!HHBBH", 1000, 2000, 4, 0, 0) + b"\1\0\0\1" + bytes(8), {"dccp.type": "request"}),
    (108, b"\6\0\0\2" + bytes(8), {"ipcomp.inner": "tcp", "ipcomp.cpi": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("proto", "payload", "expected"), CASES)
def test_a_flow_has_the_name_and_the_facts_of_its_first_packet(
    proto: int, payload: bytes, expected: dict[str, Any]
) -> None:
    lab = engine({"plugins": []})
    lab.send([ip_packet(A, B, proto, payload)])
    (flow,) = lab.flows
    assert (flow.app_proto, flow.confirmed) == (PROTOCOL_NAMES[proto], True)
    assert flow.facts == expected


def test_icmpv6_has_a_name_of_its_own() -> None:
    lab = engine({"plugins": []})
    lab.send([ip_packet("2001:db8::1", "2001:db8::2", 58, pack("!BBHHH", 128, 0, 0, 7, 1))])
    assert lab.flows[0].app_proto == "icmpv6"
    assert lab.flows[0].facts == {"icmpv6.type": 128, "icmpv6.code": 0}


def test_rules_ask_name_and_facts() -> None:
    lab = engine("""
version: 1
plugins: [rules]
chains:
  INPUT:
    - {all: [{rule: app, is: esp}, {rule: fact, name: esp.spi, in: [c0ffee01]}], action: ACCEPT}
    - {all: [{rule: app, is: ospf}, {rule: fact, name: ospf.router, is: 192.0.2.1}], action: ACCEPT}
    - {rule: app, is: icmp, confirmed: true, action: ACCEPT}
default: DROP
""")
    good = [ip_packet(A, B, proto, payload) for proto, payload, _ in CASES if proto in (1, 50, 89)]
    other = ip_packet("192.0.2.9", B, 50, pack("!II", 0xC0FFEE02, 9) + bytes(40))
    assert [verdict.action.value for verdict in lab.send([*good, other])] == ["accept", "accept", "accept", "drop"]


def test_every_fact_can_be_asked() -> None:
    assert FACTS <= CORE_FACTS
    assert {name for _, _, facts in CASES for name in facts} | {"icmpv6.type", "icmpv6.code"} == FACTS


@given(st.sampled_from(sorted(PROTOCOL_NAMES)), st.binary(max_size=200))
def test_any_payload_is_read(proto: int, payload: bytes) -> None:
    packet = decode(ip_packet(A, B, proto, payload), 0.0, 1)
    assert set(read_facts(packet)) <= FACTS


def test_those_of_recordings(captures_folder: Path) -> None:
    named: dict[str, dict[str, Any]] = {}
    for path in sorted(captures_folder.glob("*/*.pcap*")):
        with suppress(CaptureError):
            for record in read(path):
                packet = decode(record[2] or b"", 0.0, 1)
                if packet.proto in PROTOCOL_NAMES and packet.error is None and packet.frag is None:
                    named.setdefault(PROTOCOL_NAMES[packet.proto], read_facts(packet))
    assert {"esp", "gre", "icmp", "sctp", "6in4"} <= set(named)
    assert all(named[name] for name in ("esp", "gre", "icmp", "sctp", "6in4"))
