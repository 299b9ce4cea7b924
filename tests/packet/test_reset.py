"""The RST that tells a packet's receiver of a REJECT."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import decode
from pywall_core.packet.reset import reset_for_receiver
from pywall_core.testing import conversation, engine, tcp_packet

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: http.hostname, is: bad.example, action: REJECT}]}
default: ACCEPT
"""


@pytest.mark.parametrize("ends", [("192.0.2.1", 4000, "198.51.100.2", 80), ("2001:db8::1", 4000, "2001:db8::2", 80)])
def test_it_is_the_senders_next_segment(ends: Any) -> None:
    from scapy.all import IP, IPv6, raw

    packet = decode(tcp_packet(*ends, seq=7, ack=9, flags=0x18, data=b"GET"))
    made = reset_for_receiver(packet)
    reset = decode(made)
    assert (reset.error, reset.flags, reset.seq, reset.ack, reset.payload) == (None, 0x14, 7, 9, b"")
    assert reset.key == packet.key
    again = (IP if packet.version == 4 else IPv6)(made)
    for layer in (again, again.payload):
        if hasattr(layer, "chksum"):
            del layer.chksum
    assert raw(again) == made


def test_a_reject_inside_a_connection_tells_the_receiver_once() -> None:
    pytest.importorskip("pywall_protocols")
    lab = engine(POLICY, live=True)
    talk = conversation().client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(b"HTTP/1.1 204 x\r\n\r\n")
    packets = talk.client(b"GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n").client(b"more").packets()
    verdicts = [verdict.action.value for verdict in lab.send(packets)]
    assert verdicts[-2:] == ["reject", "reject"]
    assert [packet.rewritten is not None for packet in packets[-3:]] == [False, True, False]
