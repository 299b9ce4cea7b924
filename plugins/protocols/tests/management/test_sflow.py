"""sFlow."""

from pywall_protocols.management import sflow

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract


def words(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


SAMPLE = words(1, 12) + b"x" * 12
V5 = words(5, 1, 0xC0000201, 0, 7, 1000, 2) + SAMPLE * 2
EMPTY = words(5, 1, 0xC0000201, 0, 7, 1000, 0)
IPV6 = words(5, 2) + bytes(16) + words(0, 7, 1000, 1) + SAMPLE
V4 = words(4, 1, 0xC0000201, 7, 1000, 1, 1) + bytes(60)

TestSflow = detector_contract(
    sflow,
    [conversation("udp").client(data) for data in (V5, EMPTY, IPV6, V4)],
    [
        conversation("udp").client(V5[:-1]),
        conversation("udp").client(words(5, 3) + V5[8:]),
        conversation("udp").client(words(6, 1) + V5[8:]),
        conversation("udp").client(words(4, 1, 0xC0000201, 7, 1000, 1, 9) + bytes(60)),
    ],
)


def test_facts(ask):
    assert ask(sflow, [V5]).facts == {"version": 5}
    assert ask(sflow, [V4]).facts == {"version": 4}
    assert ask(sflow, [EMPTY + SAMPLE]) is NO
