"""RakNet."""

import pytest
from pywall_protocols.games import raknet

from pywall_core.testing import conversation, detector_contract

MAGIC = bytes.fromhex("00ffff00fefefefefdfdfdfd12345678")
PING = b"\1" + bytes(8) + MAGIC + bytes(8)
PONG = b"\x1c" + bytes(16) + MAGIC + b"\0\4MCPE"
REQUEST = b"\5" + MAGIC + b"\x0b" + bytes(100)
REPLY = b"\6" + MAGIC + bytes(11)

TestRaknet = detector_contract(
    raknet,
    [conversation("udp").client(PING).server(PONG), conversation("udp").client(REQUEST).server(REPLY)],
    [conversation("udp").client(PING[:20]), conversation("udp").client(b"\5\0" + MAGIC)],
)


@pytest.mark.parametrize(("data", "reply"), [(PING, PONG), (REQUEST, REPLY)])
def test_confirmed(ask, data, reply):
    assert ask(raknet, [data], [reply]).confirmed
