"""NATS: greeting, CONNECT, and verbs in the middle."""

from pywall_protocols.messaging import nats

from pywall_core.api import NO, Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

INFO = b'INFO {"server_id":"NX","version":"2.10.0","max_payload":1048576} \r\n'
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"lang":"go"}\r\nPING\r\n'

TestNats = detector_contract(
    nats,
    [
        conversation().server(INFO).client(CONNECT).server(b"PONG\r\n"),
        (b"PUB a.b 5\r\nhello\r\n", b"+OK\r\n"),
        (b"", INFO),
    ],
    [
        (b"PING\r\n", b"+PONG\r\n"),
        (b"CONNECT a:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"", b"INFO: starting\r\n"),
        (NOISE, NOISE),
    ],
)


def test_both_sides_confirm(ask):
    assert ask(nats, CONNECT, INFO) == Match("nats")
    assert not ask(nats, NOISE, INFO).confirmed


def test_a_direction_of_another_protocol_alone_is_none(ask):
    assert ask(nats, b"SSH-2.0-OpenSSH_9.2\r\n") is NO
