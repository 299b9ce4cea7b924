"""Rx."""

from pywall_protocols.files import rx

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def packet(kind: int, flags: int, epoch: bytes = b"\x5f\1\2\3") -> bytes:
    numbers = b"\0\0\0\1" * 3
    return epoch + b"\x12\x34\x56\x78" + numbers + bytes([kind, flags, 0, 0]) + b"\0\0\1\xb8" + bytes(16)


ASK, ANSWER = packet(1, 5), packet(1, 4)
TestRx = detector_contract(
    rx,
    [conversation("udp").client(ASK).server(ANSWER)],
    [
        conversation("udp").client(packet(9, 5)),
        conversation("udp").client(packet(1, 4)),
        conversation("udp").client(ASK[:20]),
    ],
)


def test_an_answer_belongs_to_the_connection(ask):
    assert ask(rx, [ASK]) is MORE
    assert ask(rx, [ASK], [packet(1, 4, b"\x5f\1\2\4")]) is NO
    assert ask(rx, [ASK], [ANSWER]).facts == {"type": "data"}
