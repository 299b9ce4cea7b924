"""CAPWAP."""

import pytest
from pywall_protocols.telecom import capwap

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract


def control(kind, elements, header=b"\0\x10\2\0" + bytes(4)):
    return header + b"\0\0\0" + bytes([kind]) + b"\0" + (3 + len(elements)).to_bytes(2, "big") + b"\0" + elements


DISCOVERY = control(1, b"\0\x14\0\1\0" + b"\0\x27\0\4abcd", header=b"\0\x20\2\x10" + bytes(12))
RESPONSE = control(2, b"\0\1\0\4abcd")
HELLO = b"\1\0\0\0" + b"\x16\xfe\xff\0\0" + bytes(6) + b"\0\4" + b"\1\0\0\0"

TestCapwap = detector_contract(
    capwap,
    [conversation("udp").client(DISCOVERY).server(RESPONSE), conversation("udp").client(HELLO).server(HELLO)],
    [
        conversation("udp").client(DISCOVERY + b"\0"),
        conversation("udp").client(control(77, b"\0\x14\0\1\0")),
        conversation("udp").client(HELLO[:-1]),
        conversation("udp").client(HELLO[:16]),
        conversation("udp").client(b"\1\0\0\1" + HELLO[4:]),
    ],
)


def test_facts(ask):
    assert ask(capwap, [DISCOVERY]).facts == {"message_type": 1}
    assert ask(capwap, [HELLO]).facts == {}


@pytest.mark.parametrize("data", [control(1, b"\0\x14\0\2\0"), bytes(20)])
def test_elements_fill_the_message(ask, data):
    assert ask(capwap, [data]) is NO
