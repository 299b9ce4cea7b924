"""IEC 60870-5-104."""

import pytest
from pywall_protocols.industrial import iec60870

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

START = bytes.fromhex("680407000000")
STARTED = bytes.fromhex("68040b000000")
SUPERVISED = bytes.fromhex("680401000200")
SINGLE_POINT = bytes.fromhex("680e0000 0000 01010f01 0100 000000 00")
SEQUENCE = bytes.fromhex("68120000 0000 0f81 0501 0100 000000 0000000000")
VENDOR = bytes.fromhex("680e0000 0000 88010f01 0100 000000 00")

TestIec60870 = detector_contract(
    iec60870,
    [
        conversation().client(START).server(STARTED),
        conversation().client(SUPERVISED),
        conversation().client(SINGLE_POINT).server(SUPERVISED),
        conversation().client(SEQUENCE),
    ],
    [
        conversation().client(b"hello, world"),
        conversation().client(
            b"hardly a telecontrol frame, "
            b"although it begins so and an h follows a hundred octets on, that is here: hhhh"
        ),
        conversation().client(bytes.fromhex("680407000001")),
        conversation().client(bytes.fromhex("680e0000 0000 02010f01 0100 000000 00") + b"\0"),
        conversation().client(VENDOR),
    ],
)


@pytest.mark.parametrize(
    ("data", "facts"),
    [(START, {"format": "U"}), (SUPERVISED, {"format": "S"}), (SINGLE_POINT, {"format": "I", "type": 1})],
)
def test_facts(ask, data, facts):
    assert ask(iec60870, data).facts == facts


def test_an_unknown_type_needs_another_frame(ask):
    unknown = SINGLE_POINT.replace(b"\0\0\1\1", b"\0\0\x7f\1")
    assert ask(iec60870, unknown) is MORE
    assert ask(iec60870, unknown + START).facts["type"] == 127
    assert ask(iec60870, unknown + unknown[:2] + b"\2" + unknown[3:]).facts["type"] == 127
    assert ask(iec60870, unknown + unknown) is NO
    assert ask(iec60870, unknown + b"\0") is NO
