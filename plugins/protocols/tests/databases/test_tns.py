"""Oracle Net: connect packets and what answers them."""

from pywall_protocols.databases import tns

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

DATA = b"(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=orcl)))"


def connect(version=0x13E, compatible=0x12C):
    head = (
        version.to_bytes(2, "big")
        + compatible.to_bytes(2, "big")
        + bytes(12)
        + len(DATA).to_bytes(2, "big")
        + b"\0\x22"
        + bytes(6)
    )
    body = head + DATA
    return (len(body) + 8).to_bytes(2, "big") + b"\0\0\1\0\0\0" + body


ACCEPT = b"\0\x20\0\0\2\0\0\0\1\x3e\0\0" + bytes(20)
RESEND = b"\0\x08\0\0\x0b\0\0\0"

TestContract = detector_contract(
    tns,
    positives=[(connect(), ACCEPT), (connect(), RESEND), (connect(), b"")],
    negatives=[
        (connect(version=9), RESEND),
        (connect(compatible=0x200), b""),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"),
        (bytes(64), bytes(64)),
    ],
)


def test_facts(ask):
    assert ask(tns, connect(), ACCEPT) == Match("tns", {"connect_data": DATA.decode()})


def test_half_a_packet_waits(ask):
    assert ask(tns, connect()[:20]) is MORE
