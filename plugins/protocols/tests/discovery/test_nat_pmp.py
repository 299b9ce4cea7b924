"""NAT-PMP and PCP."""

from pywall_protocols.discovery import nat_pmp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

ADDRESS, ADDRESS_ANSWER = b"\0\0", b"\0\x80\0\0\0\0\0\7\xc0\0\2\1"
MAP = b"\0\1\0\0" + b"\x1f\x90\x1f\x90\0\0\x0e\x10"
MAP_ANSWER = b"\0\x81\0\0\0\0\0\7" + b"\x1f\x90\x1f\x90\0\0\x0e\x10"
PCP = b"\2\1\0\0\0\0\x0e\x10" + bytes(10) + b"\xff\xff\xc0\0\2\7" + bytes(36)
PCP_ANSWER = b"\2\x81\0\0\0\0\x0e\x10\0\0\0\7" + bytes(12) + bytes(36)

TestNatPmp = detector_contract(
    nat_pmp,
    [
        conversation("udp").client(ADDRESS).server(ADDRESS_ANSWER),
        conversation("udp").client(MAP).server(MAP_ANSWER),
        conversation("udp").client(PCP).server(PCP_ANSWER),
    ],
    [
        conversation("udp").client(b"\0\1"),
        conversation("udp").client(b"\0\3" + bytes(10)),
        conversation("udp").client(b"\2\1\0\1" + bytes(20)),
        conversation("udp").client(b"\2\7\0\0" + bytes(20)),
        conversation("udp").client(b"\2\1\0\0\0\2\0\0\x0a\0\0\0" + bytes(8) + b"\0\0\0\1"),
    ],
)


def test_names_and_operations(ask):
    assert ask(nat_pmp, [MAP]).facts == {"operation": "map-udp"}
    assert ask(nat_pmp, [PCP], [PCP_ANSWER]).protocol == "pcp"
    assert not ask(nat_pmp, [MAP], [ADDRESS_ANSWER]).confirmed
    assert ask(nat_pmp, [b"\0\0\0"]) is NO
