"""Diameter: header and first AVP."""

from pywall_protocols.access import diameter

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def message(flags, command=257, avp=b"\0\0\1\x08\x40\0\0\x14host.example"):
    size = (20 + len(avp)).to_bytes(3, "big")
    return b"\1" + size + bytes([flags]) + command.to_bytes(3, "big") + bytes(4) + b"\0\0\0\1\0\0\0\2" + avp


TestContract = detector_contract(
    diameter,
    positives=[(message(0x80), message(0)), (message(0x80), b"")],
    negatives=[
        (message(0x81), b""),
        (message(0x80, command=1), b""),
        (message(0x80, avp=b"\0\0\0\0\x40\0\0\x08"), b""),
        (b"\1" + b"\xff" * 40, b"\1\0\0\0" + bytes(30)),
    ],
)


def test_facts(ask):
    assert ask(diameter, message(0x80), message(0)) == Match("diameter", {"command_code": 257, "application_id": 0})


def test_a_header_alone_waits(ask):
    assert ask(diameter, message(0x80)[:20]) is MORE
