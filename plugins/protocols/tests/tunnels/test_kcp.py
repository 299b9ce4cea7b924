"""KCP: segments that fill a datagram, in one conversation."""

from random import Random
from struct import pack

from pywall_protocols.tunnels import kcp

from pywall_core.api import NO, Match
from pywall_core.testing import detector_contract


def segment(command=81, data=b"", *, conversation=10, fragment=0, window=128, number=0, length=None):
    size = len(data) if length is None else length
    return pack("<IBBHIIII", conversation, command, fragment, window, 20, number, 0, size) + data


PUSH = segment(data=b"hello, and more of it")
TestContract = detector_contract(
    kcp,
    transport="udp",
    positives=[
        (PUSH, segment(82)),
        (PUSH + segment(data=b"second", number=1), segment(82) + segment(82, number=1)),
        (segment(fragment=2, data=b"part"), segment(82)),
    ],
    negatives=[
        (segment(data=b"too short", length=20), b""),
        (segment(82, b"data"), b""),
        (segment(85), b""),
        (segment(conversation=0, data=b"x"), b""),
        (segment(window=0, data=b"x"), b""),
    ],
)


def test_both_sides_of_one_conversation(ask):
    assert ask(kcp, [PUSH], [segment(82)]) == Match("kcp", {"conversation": 10})
    assert not ask(kcp, [PUSH]).confirmed
    assert not ask(kcp, [PUSH], [segment(82, conversation=11)]).confirmed
    assert ask(kcp, [PUSH[:-1]]) is NO


def test_sealed_data_leaves_the_name_a_guess(ask):
    """What it carries is classified then."""
    sealed = Random(3).randbytes(200)
    assert not ask(kcp, [segment(data=sealed)], [segment(82)]).confirmed
    assert not ask(kcp, [PUSH], [segment(data=sealed)]).confirmed
    assert ask(kcp, [segment(data=b"a line of text, " * 9)], [segment(82)]).confirmed
