"""n2n: messages of three versions, with the name of a community."""

from pywall_protocols.tunnels import n2n

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def message(version, kind, name=b"net"):
    head = bytes([1, kind, 0, kind > 3]) if version == 1 else bytes([version, 2, 0, kind])
    return head + name.ljust(20 if version == 3 else 16, b"\0") + b"\x66" * 40


TestContract = detector_contract(
    n2n,
    transport="udp",
    positives=[(message(version, 1), message(version, 4)) for version in (1, 2, 3)],
    negatives=[
        (message(3, 1), message(3, 2, b"other")),
        (message(3, 1), message(2, 2)),
        (message(3, 31), message(3, 2)),
        (message(2, 1, b"\xff" * 16), message(2, 2, b"\xff" * 16)),
        (message(3, 1)[:20], message(3, 2)),
    ],
)


def test_the_answer_gives_the_name(ask):
    assert ask(n2n, [message(3, 5)]) is MORE
    assert ask(n2n, [message(3, 5)], [message(3, 7)]) == Match("n2n", {"community": "net"})
    assert ask(n2n, [message(3, 5)], [b"other"]) is NO
