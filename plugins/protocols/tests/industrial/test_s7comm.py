"""S7 communication."""

from pywall_protocols.industrial import s7comm

from pywall_core.api import MORE
from pywall_core.testing import conversation, detector_contract

OPENING = bytes.fromhex("03000016 11e00000000700c1020100c2020102c0010a")
OPENED = bytes.fromhex("03000016 11d00007000300c0010ac1020100c2020102")
SETUP = bytes.fromhex("03000019 02f080 32010000000000080000 f0000001000101e0")
SET_UP = bytes.fromhex("0300001b 02f080 320300000000000800000000 f0000001000100f0")
PLUS = bytes.fromhex("03000017 02f080 7201 0008 3100000000000000 72010000")
USERDATA = bytes.fromhex("03000021 02f080 32070000050000080008 0001120411440100 ff09000401320004")

TestS7comm = detector_contract(
    s7comm,
    [
        conversation().client(OPENING).server(OPENED).client(SETUP).server(SET_UP),
        conversation().client(USERDATA),
        conversation().client(OPENING).server(OPENED).client(PLUS),
    ],
    [
        conversation().client(OPENING + bytes.fromhex("0300000d 02f080 010001000000")),
        conversation().client(SETUP.replace(b"\x32\1", b"\x32\5")),
        conversation().client(PLUS.replace(b"\0\x08", b"\0\x06")),
    ],
)


def test_facts(ask):
    assert ask(s7comm, OPENING + SETUP, OPENED + SET_UP).facts == {"message": "job", "function": 0xF0}
    assert ask(s7comm, PLUS).facts == {"message": "plus"}


def test_the_opening_alone_is_open(ask):
    assert ask(s7comm, OPENING, OPENED) is MORE
