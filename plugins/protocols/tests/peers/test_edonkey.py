"""eDonkey."""

import pytest
from pywall_protocols.peers import edonkey

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(kind, body, protocol=0xE3):
    return bytes([protocol]) + (1 + len(body)).to_bytes(4, "little") + bytes([kind]) + body


PEER = b"h" * 16 + b"\xc0\0\2\1" + b"\x36\x12"
TAGS = b"\2\0\0\0" + b"\2\1\0\1\4\0name"
HELLO = message(1, b"\x10" + PEER + TAGS)
ANSWER = message(0x4C, PEER + TAGS)
LOGIN = message(1, PEER + TAGS)
WELCOME = message(0x38, b"\5\0hello")
IDENTITY = message(0x40, b"\1\2\3\4")
INFORMATION = message(1, b"\x24\1\2\0\0\0" + b"\2\1\0\1\4\0name", protocol=0xC5)

TestEdonkey = detector_contract(
    edonkey,
    [
        conversation().client(HELLO).server(ANSWER),
        conversation().client(LOGIN).server(WELCOME),
        conversation().client(LOGIN).server(IDENTITY),
        conversation().client(INFORMATION),
    ],
    [
        conversation().client(message(1, PEER + b"\0\0\1\0" + bytes(8))),
        conversation().client(message(0x99, PEER + TAGS)),
        conversation().client(b"\xe3" + bytes(40)),
        conversation().server(message(0x38, b"\6\0hello")),
    ],
)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (HELLO, "hello"),
        (LOGIN, "hello"),
        (INFORMATION, "emule_info"),
        (WELCOME, "server_message"),
        (IDENTITY, "id_change"),
    ],
)
def test_facts(ask, data, name):
    assert ask(edonkey, data).facts == {"message": name}


def test_a_prefix(ask):
    assert ask(edonkey, HELLO[:20]) is MORE
    assert ask(edonkey, b"\xe3\0\0\0\1") is NO
