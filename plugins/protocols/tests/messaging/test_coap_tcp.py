"""CoAP over TCP: both sides begin with capabilities and settings."""

from pywall_protocols.messaging import coap_tcp

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

#: largest message 8388864, and blocks may be long
SETTINGS = b"\x50\xe1\x23\x80\x01\x00\x20"

TestContract = detector_contract(
    coap_tcp,
    positives=[(SETTINGS + b"\0\1\1\1", SETTINGS), (SETTINGS, b""), (b"\x10\xe1\x40", b"\x30\xe1\x22\x04\x80")],
    negatives=[
        (b"\x50\xe1\x23\x80\1\0\x21\1", b""),
        (b"\x50\xe2\x23\x80\1\0\x20", b""),
        (b"\x20\xe1\x20\x01", b""),
        (b"\x51\xe1\x23\x80\1\0\x20", b""),
        (b"\x20\xe1\x23\x80\1\0\x20", b""),
    ],
)


def test_facts(ask):
    assert ask(coap_tcp, SETTINGS, SETTINGS) == Match("coap", {"code": "7.01"})
    assert ask(coap_tcp, SETTINGS[:4]) is MORE
    assert ask(coap_tcp, b"\x50\xe1\x13") is NO
