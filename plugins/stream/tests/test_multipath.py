"""Multipath TCP's options are taken out of handshakes whose content is asked for."""

import pytest
from pywall_stream.checksum import checksum_valid
from pywall_stream.multipath import has_mptcp, without_mptcp

from pywall_core.api import decode
from pywall_core.testing import engine, tcp_packet

ENDS = {4: ("192.0.2.1", 4000, "198.51.100.2", 80), 6: ("2001:db8::1", 4000, "2001:db8::2", 80)}
CAPABLE = b"\x02\x04\x05\xb4\x1e\x04\x01\x01\x01\x03\x03\x07"
JOIN = b"\x1e\x0c\x10\x01" + bytes(8)
CONTENT = "chains: {INPUT: [{rule: app, is: tls, action: DROP}]}"
PORTS = "chains: {INPUT: [{rule: port, protocol: tcp, dst: 23, action: DROP}]}"


def syn(version=4, options=CAPABLE, flags=2):
    return tcp_packet(*ENDS[version], seq=1000, flags=flags, options=options)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("options", [CAPABLE, JOIN])
def test_only_the_option_is_changed_and_the_checksum_is_right(version, options):
    packet = decode(syn(version, options))
    assert has_mptcp(packet)
    stripped = decode(without_mptcp(packet))
    assert not has_mptcp(stripped)
    assert checksum_valid(stripped)
    assert stripped.length == packet.length
    assert stripped.seq == packet.seq
    other = [i for i, (a, b) in enumerate(zip(packet.data, stripped.data, strict=True)) if a != b]
    assert set(other) <= {packet.l4 + 16, packet.l4 + 17, *range(packet.l4 + 20, packet.start)}


@pytest.mark.parametrize(
    ("policy", "mode", "options", "rewritten", "action"),
    [
        (CONTENT, "strip", CAPABLE, True, "accept"),
        (CONTENT, "strip", JOIN, True, "accept"),
        (CONTENT, "strip", b"\x02\x04\x05\xb4", False, "accept"),
        (CONTENT, "allow", CAPABLE, False, "accept"),
        (CONTENT, "drop", CAPABLE, False, "drop"),
        (CONTENT, "drop", b"\x02\x04\x05\xb4", False, "accept"),
        (PORTS, "strip", CAPABLE, False, "accept"),
    ],
)
def test_modes(policy, mode, options, rewritten, action):
    pytest.importorskip("pywall_protocols")
    lab = engine(
        f"version: 1\nplugins: [rules, {{stream: {{mptcp: {mode}}}}}, protocols]\n{policy}\ndefault: ACCEPT\n",
        live=True,
    )
    packet = decode(syn(options=options))
    verdict = lab.engine.process(packet)
    assert (verdict.action.value, packet.rewritten is not None) == (action, rewritten)
    again = decode(syn(options=options), 0.1)
    lab.engine.process(again)
    assert (again.rewritten is not None) == rewritten
