"""mosh: counters of both sides, the server's with the highest bit."""

from pywall_protocols.remote import mosh

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract


def datagram(number, server=False, size=60):
    return ((server << 63) + number).to_bytes(8, "big") + bytes((n * 37 + number) % 251 for n in range(size))


def talk(*turns):
    made = conversation("udp")
    for server, number in turns:
        made = made.server(datagram(number, True)) if server else made.client(datagram(number))
    return made


TestContract = detector_contract(
    mosh,
    transport="udp",
    positives=[talk((0, 0), (1, 0), (0, 1), (1, 1)), talk((0, 0), (0, 1), (1, 0)), talk((0, 0), (1, 0), (0, 4))],
    negatives=[
        talk((0, 1), (1, 0), (0, 2)),
        talk((0, 0), (1, 0), (0, 90)),
        talk((0, 0), (1, 7), (0, 1)),
        conversation("udp").client(datagram(0)).server(datagram(0)).client(datagram(1)),
        conversation("udp").client(datagram(0, size=8)).server(datagram(0, True)).client(datagram(1)),
    ],
)


def test_both_sides_have_to_count_and_nothing_confirms_it(ask):
    assert ask(mosh, [datagram(0)], [datagram(0, True)]) is MORE
    assert ask(mosh, [datagram(0), datagram(1)]) is MORE
    assert ask(mosh, [datagram(0), datagram(1)], [datagram(0, True)]) == Match("mosh", confirmed=False)
    assert ask(mosh, [datagram(0), datagram(0)], [datagram(0, True)]) is NO


def test_nobody_keeps_a_rule_waiting(ask):
    assert ask(mosh, [datagram(n) for n in range(7)]) is MORE
    assert ask(mosh, [datagram(n) for n in range(8)]) is NO
    assert ask(mosh, [datagram(0)], [datagram(n, True) for n in range(8)]) is NO
