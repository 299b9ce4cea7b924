"""LISP."""

import pytest
from pywall_protocols.tunnels import lisp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract, udp_packet

NONCE = bytes(range(1, 9))
RECORD = bytes.fromhex("00000005 01 20 1000 0000 0001c0000201") + bytes.fromhex("01 64 ff 00 0005 0001c6336402")
REQUEST = b"\x10\0\0\1" + NONCE + b"\0\1\xc0\0\2\1" + b"\0\1\xc6\x33\x64\2" + b"\0\x20\0\1\xc0\0\2\7"
REPLY = b"\x20\0\0\1" + NONCE + RECORD
REGISTER = b"\x30\0\1\1" + NONCE + b"\0\1\0\x14" + bytes(20) + RECORD
PACKET = udp_packet("192.0.2.1", 4342, "198.51.100.2", 4342, REQUEST)
LCAF = bytes.fromhex("4003 0000 0200 000a 00000007 0001c0000201")

MESSAGES = [
    (REQUEST, "map-request"),
    (REPLY, "map-reply"),
    (REGISTER, "map-register"),
    (REGISTER + bytes(24), "map-register"),
    (b"\x40" + REGISTER[1:], "map-notify"),
    (b"\x20\0\0\1" + NONCE + RECORD[:10] + LCAF + RECORD[16:], "map-reply"),
    (b"\x80\0\0\0" + PACKET, "encapsulated-control"),
    (bytes(8) + PACKET, "data"),
]

TestLisp = detector_contract(
    lisp,
    [conversation("udp").client(data) for data, _ in MESSAGES] + [conversation("udp").client(REQUEST).server(REPLY)],
    [
        conversation("udp").client(REPLY[:-1]),
        conversation("udp").client(REQUEST + b"\0"),
        conversation("udp").client(b"\x60" + REPLY[1:]),
        conversation("udp").client(bytes(9) + PACKET),
        conversation("udp").client(b"\x10\0\0\1" + bytes(180)),
    ],
)


@pytest.mark.parametrize(("data", "message"), MESSAGES)
def test_facts(ask, data, message):
    assert ask(lisp, [data]).facts == {"message": message}


def test_a_notification_has_records_and_a_known_algorithm(ask):
    assert ask(lisp, [b"\x40\0\0\0" + REGISTER[4:36]]) is NO
    assert ask(lisp, [REGISTER[:13] + b"\4" + REGISTER[14:]]) is NO


def test_reserved_bits_of_a_record_are_zero(ask):
    assert ask(lisp, [REPLY.replace(b"\x10\0\0\0\0\1\xc0", b"\x10\1\0\0\0\1\xc0")]) is NO


def test_a_question_about_addresses_has_no_reserved_bits(ask):
    info = b"\0\0\0\0" + NONCE + b"\0\1\0\x14" + bytes(20) + b"\0\0\0\5\0\x20" + b"\0\1\xc0\0\2\1"
    assert ask(lisp, [b"\x70" + info[1:]]).facts == {"message": "info"}
    assert ask(lisp, [b"\x79" + info[1:]]) is NO


def test_no_records_beyond_the_datagram(ask):
    assert ask(lisp, [b"\x20\0\0\x1f" + NONCE + RECORD]) is NO
