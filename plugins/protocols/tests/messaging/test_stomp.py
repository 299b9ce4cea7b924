"""STOMP: CONNECT and CONNECTED."""

from pywall_protocols.messaging import stomp

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

CONNECT = b"CONNECT\naccept-version:1.2\nhost:broker.example\nlogin:bob\n\n\0"

TestContract = detector_contract(
    stomp,
    positives=[
        (CONNECT, b"CONNECTED\nversion:1.2\n\n\0"),
        (b"STOMP\r\nhost:a\r\n\r\n\0", b"ERROR\nmessage:no\n\n\0"),
        (CONNECT, b""),
        (b"\nCONNECT\n\n\0", b""),
    ],
    negatives=[
        (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"CONNECT\nto the world\n", b"ERROR\nagain\n"),
        (b"STOMP your feet\n", b"Clap\n"),
    ],
)


def test_facts(ask):
    assert ask(stomp, CONNECT, b"CONNECTED\nversion:1.2\n\n\0") == Match(
        "stomp", {"host": "broker.example", "login": "bob"}
    )


def test_the_command_alone_waits(ask):
    assert ask(stomp, b"CONNECT\n") is MORE
