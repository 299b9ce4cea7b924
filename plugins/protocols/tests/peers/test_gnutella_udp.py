"""Gnutella over UDP."""

from pywall_protocols.peers import gnutella_udp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

ID = bytes.fromhex("a7b3310229b72ec630df77c5724a36ce")


def message(kind: int, payload: bytes, identifier: bytes = ID, hops: bytes = b"\1\0") -> bytes:
    return identifier + bytes([kind]) + hops + len(payload).to_bytes(4, "little") + payload


DHT = message(0x44, b"\5GTKG" + bytes(range(53)), hops=b"\0\0")
ANSWER = message(0x44, b"\6GTKG" + bytes(range(200)), hops=b"\0\0")
PING = message(0x00, b"")
PONG = message(0x01, b"\x19\x70" + bytes(range(12)))

TestGnutellaUdp = detector_contract(
    gnutella_udp,
    [conversation("udp").client(DHT).server(ANSWER), conversation("udp").client(PING).server(PONG)],
    [
        conversation("udp").client(DHT + b"\0"),
        conversation("udp").client(message(0x45, b"x" * 20)),
        conversation("udp").client(message(0x80, b"x" * 20, hops=b"\x40\x40")),
        conversation("udp").client(message(0x44, b"x" * 20, identifier=bytes(16))),
        conversation("udp").client(message(0x00, b"", hops=b"\0\0")),  # a number of 16 bytes and zeros
    ],
)


def test_an_answer_with_another_identifier_proves_nothing(ask):
    assert ask(gnutella_udp, [DHT], [ANSWER]).confirmed
    assert not ask(gnutella_udp, [DHT], [message(0x44, b"x" * 20, identifier=bytes(range(16)))]).confirmed
    assert ask(gnutella_udp, [b"hello"]) is NO


def test_facts(ask):
    assert ask(gnutella_udp, [PING]).facts == {"message": "ping"}


def test_parts_of_the_transport_beneath(ask):
    part = b"GND\x10\x3e\xae\1\1" + b"\x54\x0bQKRP\6RNA"
    assert ask(gnutella_udp, [part]).facts == {"message": "part"}
    assert ask(gnutella_udp, [part], [b"GTA\0\x3e\xae\1\0"]).confirmed
    assert ask(gnutella_udp, [b"GND\x10\x3e\xae\2\1more"]) is NO
    assert ask(gnutella_udp, [b"GND\xff\x3e\xae\1\1more"]) is NO


def test_an_echo_is_no_answer(ask):
    assert not ask(gnutella_udp, [PING], [PING]).confirmed
