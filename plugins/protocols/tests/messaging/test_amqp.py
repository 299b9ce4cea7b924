"""AMQP 0-9-1 and 1.0, and frames amid a connection."""

from pywall_protocols.messaging import amqp

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def method(body, channel=0):
    return b"\1" + channel.to_bytes(2, "big") + len(body).to_bytes(4, "big") + body + b"\xce"


START = method(b"\0\x0a\0\x0a\0\x09" + bytes(40))
TLS = b"AMQP\2\1\0\0"

TestContract = detector_contract(
    amqp,
    positives=[
        (b"AMQP\0\0\x09\1", START),
        (b"AMQP\3\1\0\0", b"AMQP\3\1\0\0"),
        (TLS + b"\x16\x03\x01", TLS + b"\x16\x03\x03"),
        (b"AMQP\0\0\x09\1", b""),
        (method(b"\0\x3c\0\x28\0\0\4logs\0\0", 1), b""),
    ],
    negatives=[
        (b"AMQP is a protocol", b"Also"),
        (b"AMQP\7\7\7\7", b"HTTP/1.1 400"),
        (method(b"\x77\x77\0\x28\0\0"), b""),
        (method(b"\0\x3c\0\x28" + bytes(9))[:-1] + b"\0", b""),
    ],
)


def test_facts(ask):
    assert ask(amqp, b"AMQP\0\0\x09\1", START) == Match("amqp", {"version": "0-9-1"})


def test_the_tls_header_hands_over(ask):
    assert ask(amqp, TLS + b"\x16\x03", TLS + b"\x16\x03").restart == (8, 8)


def test_a_beginning_waits(ask):
    assert ask(amqp, b"AMQP\0") is MORE
