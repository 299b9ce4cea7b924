"""PANA."""

import pytest
from pywall_protocols.access import pana

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract


def message(kind, values=b"", flags=0x8000, session=7):
    fields = [(0, 2), (16 + len(values), 2), (flags, 2), (kind, 2), (session, 4), (session and 1, 4)]
    return b"".join(number.to_bytes(size, "big") for number, size in fields) + values


NONCE = bytes.fromhex("0005 0000 0004 0000 01020304")
PADDED = bytes.fromhex("0002 0000 0003 0000 01020300")
VENDOR = bytes.fromhex("0063 8000 0004 0000 00000009 01020304")
START = message(2, NONCE)

TestPana = detector_contract(
    pana,
    [
        conversation("udp").client(START).server(message(2, NONCE, flags=0)),
        conversation("udp").client(message(1, flags=0, session=0)),
        conversation("udp").client(message(4, PADDED + VENDOR)),
        conversation("udp").client(message(4, flags=0x8800)),
    ],
    [
        conversation("udp").client(START + bytes(4)),
        conversation("udp").client(message(5, NONCE)),
        conversation("udp").client(message(2, NONCE[:-4])),
        conversation("udp").client(message(2, NONCE, flags=1)),
        conversation("udp").client(message(2)),
        conversation("udp").client(message(1, flags=0)),
    ],
)


def test_facts(ask):
    assert ask(pana, [START]).facts == {"message_type": 2}


@pytest.mark.parametrize("code", [0, 10])
def test_unknown_values_of_no_vendor(ask, code):
    assert ask(pana, [message(2, bytes([0, code]) + NONCE[2:])]) is NO
