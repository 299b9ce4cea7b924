"""Teredo."""

from pywall_protocols.tunnels import teredo

from pywall_core.testing import conversation, detector_contract, udp_packet

PACKET = udp_packet("2001:0:c000:201::1", 1, "2001:db8::2", 2, b"x" * 30)
SOLICITATION = udp_packet("fe80::1", 1, "ff02::2", 2, b"x" * 30)
AUTHENTICATION = b"\0\1\0\0" + bytes(range(8)) + b"\0"
ORIGIN = b"\0\0\xf1\x2a\x3f\xff\xfd\xfe"

TestTeredo = detector_contract(
    teredo,
    [
        conversation("udp").client(AUTHENTICATION + SOLICITATION).server(AUTHENTICATION + ORIGIN + SOLICITATION),
        conversation("udp").client(PACKET).server(PACKET),
        conversation("udp").client(b"\0\1\2\3" + bytes(5) + bytes(8) + b"\0" + PACKET),
    ],
    [
        conversation("udp").client(udp_packet("2001:db8::1", 1, "2001:db8::2", 2, b"x" * 30)),
        conversation("udp").client(PACKET[:-1]),
        conversation("udp").client(ORIGIN + AUTHENTICATION + PACKET),
        conversation("udp").client(udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x" * 30)),
    ],
)


def test_confirmed_by_an_answer(ask):
    assert ask(teredo, [PACKET], [udp_packet("2001:db8::2", 2, "2001:0:c000:201::1", 1, b"y" * 30)]).confirmed
    assert not ask(teredo, [PACKET], [PACKET]).confirmed, "an echo"
    assert not ask(teredo, [PACKET], [b"x"]).confirmed
