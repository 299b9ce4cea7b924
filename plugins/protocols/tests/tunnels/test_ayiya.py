"""AYIYA."""

import pytest
from pywall_protocols.tunnels import ayiya

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract, udp_packet

PACKET = udp_packet("2001:db8::1", 1, "2001:db8::2", 2, b"x" * 30)
HEADER = bytes.fromhex("41521129 4af64bfd") + bytes(16) + bytes(20)
EMPTY = bytes.fromhex("4152103b 4af64bfd") + bytes(36)

TestAyiya = detector_contract(
    ayiya,
    [conversation("udp").client(HEADER + PACKET).server(HEADER + PACKET), conversation("udp").client(EMPTY)],
    [
        conversation("udp").client(HEADER + PACKET[:-1]),
        conversation("udp").client(b"\x51" + HEADER[1:] + PACKET),
        conversation("udp").client(HEADER + udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x")),
    ],
)


@pytest.mark.parametrize(("at", "byte"), [(1, 0x54), (2, 0x31), (2, 0x18), (3, 6)])
def test_impossible_fields(ask, at, byte):
    assert ask(ayiya, [HEADER[:at] + bytes([byte]) + HEADER[at + 1 :] + PACKET]) is NO
