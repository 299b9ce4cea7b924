"""Telnet: option negotiation."""

from pywall_protocols.remote import telnet

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    telnet,
    positives=[
        (b"\xff\xfd\x03\xff\xfb\x1f\r\n", b"\xff\xfb\x01\xff\xfb\x03login: "),
        (b"\xff\xfb\x18", b"\xff\xfd\x18"),
        (b"", b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0"),
    ],
    negatives=[
        (b"\xff\xff\xff\xff", b"\xff\xff"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", b""),
        (b"\xff\xfb\x18hello", b"login: "),
        (b"\xff\xfe<\0?\0x\0m\0l\0", b""),
    ],
)


def test_one_command_of_one_side_waits(ask):
    assert ask(telnet, b"\xff\xfb\x18") is MORE


def test_one_command_of_both_sides_is_enough(ask):
    assert ask(telnet, b"\xff\xfb\x18", b"\xff\xfd\x18") == Match("telnet")
