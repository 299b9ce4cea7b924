"""SMPP: binds and other operations."""

from struct import pack

from pywall_protocols.telecom import smpp

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def operation(command, body=b"", status=0, number=1):
    return pack("!4I", 16 + len(body), command, status, number) + body


BIND = operation(2, b"shop\0secret\0SMPP\0\x34\0\0\0")
BOUND = operation(0x80000002, b"SMSC\0")

TestContract = detector_contract(
    smpp,
    positives=[
        (BIND, BOUND),
        (BIND, b""),
        (operation(0x15), operation(0x80000015)),
        (operation(4, bytes(40)), operation(0x80000004, b"", 8)),
        (operation(0x80000015, number=4), operation(0x15, number=4)),
        (operation(0x15, number=3), operation(0x80000015, number=2)),
    ],
    negatives=[
        (operation(2, b"\xff" * 24), BOUND[:8]),
        (operation(0x15, status=1), b""),
        (operation(0x15), b"\0\0\0\x04text"),
        (bytes(64), bytes(64)),
        (b"\0\0\0\x08\4\xd2\x16\x2f", b"S"),
    ],
)


def test_facts(ask):
    assert ask(smpp, BIND, BOUND) == Match("smpp", {"command": "bind_transmitter", "system_id": "shop"})


def test_an_operation_alone_waits(ask):
    assert ask(smpp, operation(0x15)) is MORE


def test_a_response_has_the_number_of_a_request(ask):
    assert ask(smpp, operation(0x15, number=3), operation(0x80000015, number=3)).confirmed
    assert not ask(smpp, operation(0x15, number=3), operation(0x80000015, number=2)).confirmed
    assert not ask(smpp, operation(0x15, number=3), operation(0x80000004, number=3)).confirmed
    assert ask(smpp, operation(0x15), operation(5, bytes(40), number=9) + operation(0x80000015)).confirmed
