"""HSRP."""

import pytest
from pywall_protocols.routing import hsrp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

HELLO = bytes.fromhex("0000100a 1e5a0a00") + b"cisco\0\0\0" + b"\xc0\0\2\xfe"
SECOND = bytes.fromhex("012802 00 06 04 0102") + bytes(34)

TestHsrp = detector_contract(
    hsrp,
    [
        conversation("udp").client(HELLO),
        conversation("udp").client(SECOND),
        conversation("udp").client(HELLO + bytes(30)),
    ],
    [
        conversation("udp").client(HELLO[:-1]),
        conversation("udp").client(HELLO + b"and more text"),
        conversation("udp").client(HELLO.replace(b"cisco", b"\1\2\3\4\5")),
        conversation("udp").client(bytes(20)),
        conversation("udp").client(SECOND[:41]),
    ],
)


@pytest.mark.parametrize(("data", "version", "group"), [(HELLO, 0, 10), (SECOND, 2, 0x0102)])
def test_facts(ask, data, version, group):
    assert ask(hsrp, [data]).facts == {"version": version, "group": group}


def test_the_state_of_an_interface(ask):
    assert ask(hsrp, [b"\2\4\0\0\0\1"]).facts == {"version": 2}
    assert ask(hsrp, [b"\2\4\0\0\0\1\0"]) is NO
    advertisement = bytes.fromhex("00030001 000e0200 00000002 6f000000")
    assert ask(hsrp, [advertisement]).facts == {"version": 0}
    assert ask(hsrp, [advertisement + b"\0"]) is NO
