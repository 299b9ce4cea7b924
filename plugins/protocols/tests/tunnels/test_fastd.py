"""fastd: handshakes of records, with and without the header of version 23."""

from struct import pack

from pywall_protocols.tunnels import fastd

from pywall_core.api import NO, Match
from pywall_core.testing import detector_contract


def handshake(kind, name=b"ec25519-fhmqvc", *, control=False, wrong=0):
    parts = ((0, bytes([kind])), (3, b"\1"), (5, name), (6, bytes(range(32))))
    records = b"".join(pack("<HH", number, len(value)) + value for number, value in parts)
    head = b"\xc8\3\0\x0c" + bytes(8) if control else b""
    return head + b"\1\0" + pack("!H", len(records) + wrong) + records


TestContract = detector_contract(
    fastd,
    transport="udp",
    positives=[
        (handshake(1), handshake(2)),
        (handshake(1, control=True), handshake(2, control=True)),
        (handshake(1), handshake(2, control=True)),
        (handshake(1), b""),
    ],
    negatives=[
        (handshake(1, wrong=1), b""),
        (handshake(3), b""),
        (b"\1\0\0\4\0\0\1\0", b""),
        (b"\xc8\3\0\x0c" + bytes(8), b""),
    ],
)


def test_facts(ask):
    assert ask(fastd, [handshake(1)], [handshake(2)]) == Match("fastd", {"handshake": "ec25519-fhmqvc"})
    assert ask(fastd, [handshake(1)], [handshake(2, b"null")]).confirmed is False
    assert ask(fastd, [handshake(1)[:-1]]) is NO
