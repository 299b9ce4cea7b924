"""RMCP."""

import pytest
from pywall_protocols.management import rmcp

from pywall_core.testing import conversation, detector_contract

PING = bytes.fromhex("0600ff06 000011be 80000000")
PONG = bytes.fromhex("0600ff06 000011be 40000010") + bytes(16)
IPMI = bytes.fromhex("0600ff07 00 00000000 00000000 09 2018c88100388e04b5")
AUTHENTICATED = bytes.fromhex("0600ff07 02 00000001 00000001") + bytes(16) + bytes.fromhex("07 2018c881003b04")
PLUS = bytes.fromhex("0600ff07 06 10 00000000 00000000 0400 abcdefab")

TestRmcp = detector_contract(
    rmcp,
    [
        conversation("udp").client(PING).server(PONG),
        conversation("udp").client(IPMI),
        conversation("udp").client(AUTHENTICATED),
        conversation("udp").client(PLUS),
        conversation("udp").client(bytes.fromhex("0600ff86")),
    ],
    [
        conversation("udp").client(PING + b"\0"),
        conversation("udp").client(IPMI + b"\0\0"),
        conversation("udp").client(PLUS[:-1]),
        conversation("udp").client(b"\6\1" + PING[2:]),
    ],
)


@pytest.mark.parametrize(("data", "kind"), [(PING, "asf"), (IPMI, "ipmi"), (PLUS, "ipmi"), (b"\6\0\1\x87", "ack")])
def test_facts(ask, data, kind):
    assert ask(rmcp, [data]).facts == {"class": kind}
