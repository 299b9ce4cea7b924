"""CoAP."""

from pywall_protocols.messaging import coap

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

GET = b"\x44\1\x12\x34abcd" + b"\xb4test\x45a=1&b"
CONTENT = b"\x64\x45\x12\x34abcd" + b"\xc0\xff22.5"
PING = b"\x40\0\x12\x34"
RESET = b"\x70\0\x12\x34"
LONG_OPTION = b"\x40\2\0\1" + b"\xbd\2" + b"p" * 15 + b"\xff{}"

#: as recorded: /.well-known/core asked for at a port, by a draft of the protocol
DRAFT = b"\x43\1\x05\xca\x72\x16\x33\x2b.well-known\4core"
DRAFT_CONTENT = b"\x61\x45\x05\xca\x11\x28" + b'</light>;rt="light"'

TestCoap = detector_contract(
    coap,
    [
        conversation("udp").client(GET).server(CONTENT),
        conversation("udp").client(LONG_OPTION),
        conversation("udp").client(DRAFT).server(DRAFT_CONTENT),
        conversation("udp").client(PING).server(b"\x60\x45\x12\x34"),
        conversation("udp").client(CONTENT).server(b"\x44\1\x12\x33abcd\x60"),
    ],
    [
        conversation("udp").client(GET + b"\xff"),
        conversation("udp").client(DRAFT + b"\0"),
        conversation("udp").client(DRAFT.replace(b"\x2b", b"\x1b")),
        conversation("udp").client(DRAFT_CONTENT),
        conversation("udp").client(b"\x44\x1e" + GET[2:]),
        conversation("udp").client(b"\x44\1\x12\x34abcd" + b"\xa4test"),
        conversation("udp").client(CONTENT).server(b"\x44\1\x12\x33dcba\x60"),
        conversation("udp").client(b"\x4f" + GET[1:]),
        conversation("udp").client(PING).server(PING),
    ],
)


def test_facts(ask):
    assert ask(coap, [GET]).facts == {"code": "0.01"}
    assert not ask(coap, [GET]).confirmed
    assert ask(coap, [GET], [CONTENT]).confirmed


def test_a_response_waits_for_its_request(ask):
    assert ask(coap, [CONTENT]) is MORE
    assert ask(coap, [CONTENT], [GET]).facts == {"code": "2.05"}
    assert ask(coap, [CONTENT], [CONTENT]) is NO


def test_of_the_drafts(ask):
    assert not ask(coap, [DRAFT]).confirmed
    assert ask(coap, [DRAFT], [DRAFT_CONTENT]).confirmed
    assert not ask(coap, [DRAFT], [b"\x61\x45\x05\xcb\x11\x28"]).confirmed
    assert ask(coap, [DRAFT[:-1]]) is NO
