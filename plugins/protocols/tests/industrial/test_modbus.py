"""Modbus."""

import pytest
from pywall_protocols.industrial import modbus

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

READ = bytes.fromhex("000100000006 01 03 0000000a")
VALUES = bytes.fromhex("000100000007 01 03 04 00010002")
REFUSED = bytes.fromhex("000100000003 01 83 02")
WRITE = bytes.fromhex("00020000000b 01 10 0000 0002 04 00010002")
WRITTEN = bytes.fromhex("000200000006 01 10 00000002")
IDENTITY = bytes.fromhex("000300000005 01 2b 0e0100")
IDENTIFIED = bytes.fromhex("00030000000a 01 2b 0e01010000010000")
FILE = bytes.fromhex("000300000005 01 14 0e0100")
FILED = bytes.fromhex("00030000000a 01 14 0e01010000010000")

TestModbus = detector_contract(
    modbus,
    [
        conversation().client(READ).server(VALUES),
        conversation().client(READ).server(REFUSED),
        conversation().client(WRITE).server(WRITTEN),
        conversation().client(IDENTITY).server(IDENTIFIED),
        conversation().client(FILE + b"\0\4" + FILE[2:]),
        conversation().client(bytes.fromhex("00040000000d 01 17 0000 0001 0000 0001 02 0007")),
    ],
    [
        conversation().client(bytes.fromhex("000100010006 01 03 0000000a")),
        conversation().client(bytes.fromhex("000100000007 01 03 0000000a00")),
        conversation().client(bytes.fromhex("000100000300 01 03 0000000a00")),
        conversation().client(b"GET / HTTP/1.1\r\n"),
        conversation().server(bytes.fromhex("308400000004 0201 0173") * 3),
    ],
)


def test_facts(ask):
    assert ask(modbus, READ, VALUES).facts == {"function": 3}
    assert ask(modbus, server=REFUSED).facts == {"function": 0x83}


def test_other_functions_need_an_answer_or_another_message(ask):
    assert ask(modbus, FILE) is MORE
    assert ask(modbus, FILE, FILED).facts == {"function": 20}
    assert ask(modbus, FILE + b"\x80\0" + FILE[2:]) is NO


def test_the_identification_of_a_device(ask):
    assert ask(modbus, IDENTITY, IDENTIFIED).facts == {"function": 43}
    assert ask(modbus, IDENTITY).facts == {"function": 43}
    assert ask(modbus, IDENTITY.replace(b"\x0e\1", b"\x0e\5")) is MORE
    assert ask(modbus, IDENTITY.replace(b"\x0e", b"\x0f")) is MORE


@pytest.mark.parametrize("size", range(1, 9))
def test_a_prefix_is_open(ask, size):
    assert ask(modbus, READ[:size]) is MORE
