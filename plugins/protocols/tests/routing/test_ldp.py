"""LDP."""

from pywall_protocols.routing import ldp

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def unit(kind, body):
    message = kind.to_bytes(2, "big") + (4 + len(body)).to_bytes(2, "big") + b"\0\0\0\1" + body
    return b"\0\1" + (6 + len(message)).to_bytes(2, "big") + b"\xc0\0\2\1\0\0" + message


HELLO = unit(0x0100, bytes.fromhex("04000004 000f0000"))
INITIALIZATION = unit(0x0200, bytes.fromhex("0500000e 000100b400000000c000020200 00"))

TestLdpOverUdp = detector_contract(
    ldp,
    [conversation("udp").client(HELLO).server(HELLO)],
    [conversation("udp").client(HELLO + b"\0"), conversation("udp").client(unit(0x010C, bytes(8)))],
)
TestLdpOverTcp = detector_contract(
    ldp,
    [conversation().client(INITIALIZATION).server(INITIALIZATION)],
    [conversation().client(b"\0\2" + INITIALIZATION[2:]), conversation().client(bytes(30))],
)


def test_facts(ask):
    assert ask(ldp, [HELLO]).facts == {"message_type": 0x0100}
    assert ask(ldp, INITIALIZATION).facts == {"message_type": 0x0200}
    assert ask(ldp, INITIALIZATION[:17]) is MORE
    assert ask(ldp, b"\0\1\0\0\0\6") is NO
    assert ask(ldp, [HELLO[:17]]) is NO
