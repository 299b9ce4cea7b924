"""BGP."""

import pytest
from pywall_protocols.routing import bgp

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(kind, body=b""):
    return b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + bytes([kind]) + body


OPEN = message(1, bytes.fromhex("04 fde9 00b4 c0000201 00"))
KEEPALIVE = message(4)

TestBgp = detector_contract(
    bgp,
    [
        conversation().client(OPEN).server(OPEN + KEEPALIVE),
        conversation().client(KEEPALIVE),
        conversation().server(message(2, bytes(4))),
        conversation().client(OPEN).server(message(3, b"\2\2")),
    ],
    [
        conversation().client(b"\xff" * 40),
        conversation().client(message(4, b"\0")),
        conversation().client(message(1, bytes.fromhex("03 fde9 00b4 c0000201 00"))),
    ],
)


def test_facts(ask):
    assert ask(bgp, OPEN).facts == {"message": "open", "asn": 65001}
    assert ask(bgp, KEEPALIVE).facts == {"message": "keepalive"}


@pytest.mark.parametrize("size", [1, 16, 18, 21])
def test_a_prefix_is_open(ask, size):
    assert ask(bgp, OPEN[:size]) is MORE


def test_a_broken_marker(ask):
    assert ask(bgp, b"\xff" * 15 + b"\xfe") is NO
