"""BFD."""

import pytest
from pywall_protocols.routing import bfd

from pywall_core.testing import conversation, detector_contract


def packet(state, mine=1, yours=0, flags=0, interval=1_000_000, extra=b""):
    start = bytes([0x20, state << 6 | flags, 3, 24 + len(extra)])
    return start + b"".join(n.to_bytes(4, "big") for n in (mine, yours, interval, interval, 0)) + extra


DOWN = packet(1)
UP = packet(3, yours=2)

TestBfd = detector_contract(
    bfd,
    [conversation("udp").client(data) for data in (DOWN, UP, packet(3, yours=2, flags=4, extra=b"\1\6\1pwd"))],
    [
        conversation("udp").client(data)
        for data in (DOWN + b"\0", packet(3), packet(1, mine=0), packet(1, interval=1 << 30), packet(1, extra=b"abcd"))
    ],
)


@pytest.mark.parametrize(("data", "state"), [(DOWN, "down"), (UP, "up")])
def test_facts(ask, data, state):
    assert ask(bfd, [data]).facts == {"state": state}
