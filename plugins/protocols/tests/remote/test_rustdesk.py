"""RustDesk."""

from pywall_protocols.remote import rustdesk

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def envelope(number: int, contents: bytes) -> bytes:
    tag = number << 3 | 2
    head = bytes([tag]) if tag < 128 else bytes([tag & 0x7F | 0x80, tag >> 7])
    return head + bytes([len(contents)]) + contents


REGISTER = envelope(6, b"\x0a\x09123456789\x10\x02")
ANSWER = envelope(7, b"\x10\1")
DISCOVERY = envelope(22, b"\x0a\4ping")
PUNCH = envelope(8, b"\x0a\x09123456789\x10\2")


def framed(message: bytes) -> bytes:
    return (
        bytes([len(message) << 2]) + message
        if len(message) < 64
        else (len(message) << 2 | 1).to_bytes(2, "little") + message
    )


TestOverUdp = detector_contract(
    rustdesk,
    [
        conversation("udp").client(REGISTER).server(ANSWER),
        conversation("udp").client(DISCOVERY).server(envelope(22, b"\x0a\4pong\x12\x03a:b")),
    ],
    [conversation("udp").client(REGISTER + b"\0"), conversation("udp").client(envelope(5, b"\x0a\4ping"))],
    transport="udp",
)
TestOverTcp = detector_contract(
    rustdesk,
    [
        conversation().client(framed(PUNCH)).server(framed(envelope(11, b"\x0a\6abcdef"))),
        conversation().client(framed(envelope(20, b"\x08\1"))).server(framed(envelope(21, b"\x08\7"))),
    ],
    [conversation().client(framed(envelope(9, b"\x0a\4ping"))), conversation().client(b"GET / HTTP/1.1\r\n\r\n")],
)


def test_facts(ask):
    assert ask(rustdesk, [REGISTER]).facts == {"message": "register-peer", "id": "123456789"}
    assert ask(rustdesk, framed(PUNCH)[:3]) is MORE
    assert ask(rustdesk, b"\x10\x11") is NO
