"""Minecraft's handshake."""

from pywall_protocols.games import minecraft

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

HOST = b"mc.example.org"


def handshake(state: int, host: bytes = HOST) -> bytes:
    packet = b"\0" + b"\xff\x05" + bytes([len(host)]) + host + b"\x63\xdd" + bytes([state])
    return bytes([len(packet)]) + packet


JSON = b'{"version":{"name":"1.20.4","protocol":765}}'
STATUS = bytes([len(JSON) + 2]) + b"\0" + bytes([len(JSON)]) + JSON
LOGIN = b"\x0b\0\5steve" + bytes(4)

TestMinecraft = detector_contract(
    minecraft,
    [
        conversation().client(handshake(1) + b"\1\0").server(STATUS),
        conversation().client(handshake(2) + LOGIN).server(b"\x03\x03\x80\x02"),
    ],
    [
        conversation().client(handshake(9)),
        conversation().client(handshake(1)[:-3] + b"\0\0\0\0\1"),
        conversation().client(b"GET / HTTP/1.1\r\n\r\n"),
    ],
)


def test_facts_and_the_status(ask):
    assert ask(minecraft, handshake(1)).facts == {"host": HOST.decode(), "version": 767}
    assert ask(minecraft, handshake(1)[:7]) is MORE
    assert ask(minecraft, handshake(1), STATUS).confirmed
    assert not ask(minecraft, handshake(2), STATUS).confirmed
    assert ask(minecraft, b"\x14\1") is NO
