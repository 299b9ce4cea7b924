"""HTTP/2: preface and SETTINGS."""

from pywall_protocols.web import http2

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

SETTINGS = b"\0\0\x0c\4\0\0\0\0\0" + b"\0\3\0\0\0\x64\0\4\0\0\xff\xff"
ACK = b"\0\0\0\4\1\0\0\0\0"

TestContract = detector_contract(
    http2,
    positives=[(http2.PREFACE + SETTINGS, SETTINGS + ACK), (http2.PREFACE, b""), (b"", SETTINGS + ACK)],
    negatives=[
        (b"PRI * HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (b"POST / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"\0\0\x0d\4\0\0\0\0\0" + bytes(40), b""),
        (b"\0\0\x0c\4\0\0\0\0\1" + bytes(40), b""),
        (SETTINGS + b"\xff" * 9, b""),
    ],
)


def test_the_preface_waits_for_its_end_and_the_server_for_a_second_frame(ask):
    assert ask(http2, http2.PREFACE[:-1]) is MORE
    assert ask(http2, b"", SETTINGS) is MORE
    assert ask(http2, http2.PREFACE, SETTINGS + ACK) == Match("http2")
