"""RDP: connection requests, negotiation, and the UDP transport; other users of X.224."""

from pywall_protocols.remote import rdp

from pywall_core.api import MORE, Match
from pywall_core.testing import conversation, detector_contract


def x224(code, rest=b""):
    return b"\3\0" + (11 + len(rest)).to_bytes(2, "big") + bytes([6 + len(rest), code]) + bytes(5) + rest


REQUEST = x224(0xE0, b"Cookie: mstshash=bob\r\n\1\0\x08\0\3\0\0\0")
TLS = x224(0xD0, b"\2\x1f\x08\0\2\0\0\0")
PLAIN = x224(0xD0, b"\2\0\x08\0\0\0\0\0")
FAILED = x224(0xD0, b"\3\0\x08\0\2\0\0\0")
S7COMM = x224(0xE0, b"\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2")

SYN = b"\xff\xff\xff\xff\0\x40\x18\1\x0b\x12\x7f\x15\4\xd0\4\xd0" + bytes(1216)
SYN_ACK = b"\x0b\x12\x7f\x15\0\x40\x10\5\x0f\x94\xea\x0b\4\xd0\4\xd0" + bytes(1216)

TestContractTcp = detector_contract(
    rdp,
    positives=[
        (REQUEST + b"\x16\x03\x01", TLS + b"\x16\x03\x03"),
        (REQUEST, PLAIN),
        (REQUEST, FAILED),
        (x224(0xE0), x224(0xD0)),
        (REQUEST, b""),
    ],
    negatives=[
        (S7COMM, x224(0xD0, b"\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2")),
        (b"\3\0\0\x21\x08\2\0\1\5\4\3", b"\3\0\0\x21\x08\2\x80\1\7"),
        (b"\3\1\0\xb9\0\0\1\0text", b""),
        (x224(0xE0), b"HTTP/1.1 400 Bad Request\r\n"),
    ],
)
TestContractUdp = detector_contract(
    rdp,
    positives=[conversation("udp").client(SYN).server(SYN_ACK), conversation("udp").client(SYN)],
    negatives=[conversation("udp").client(b"\xff" * 1232), conversation("udp").client(SYN[:60])],
    transport="udp",
)


def test_facts(ask):
    assert ask(rdp, REQUEST, PLAIN) == Match("rdp", {"cookie": "bob", "requested_protocols": 3})


def test_negotiated_tls_is_handed_over(ask):
    assert ask(rdp, REQUEST + b"\x16\x03\x01", TLS + b"\x16\x03\x03").restart == (len(REQUEST), len(TLS))
    assert not ask(rdp, REQUEST, TLS[:-1]).done


def test_a_request_that_carries_nothing_waits(ask):
    assert ask(rdp, x224(0xE0)) is MORE
